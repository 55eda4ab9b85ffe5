/** What the bench asks of its child processes, and the child's side of answering: one message each way over IPC. */

export interface Question {
  id: number;
  ask: string;
  params?: unknown;
}

export type Reply = { id: number; value: unknown } | { id: number; error: string };

/** Answers what it has an entry for, and leaves everything else to others that listen in the same process. */
export function answerParent(answers: Record<string, (params: never) => unknown>): void {
  process.on('message', (message: Question) => {
    const answer = answers[message.ask];
    if (answer === undefined) return;
    Promise.resolve()
      .then(() => answer(message.params as never))
      .then(
        (value) => process.send?.({ id: message.id, value } satisfies Reply),
        (error: unknown) =>
          process.send?.({
            id: message.id,
            error: error instanceof Error ? (error.stack ?? error.message) : String(error),
          } satisfies Reply),
      );
  });
}

/** Told once, when a child is ready to be asked. */
export const ready = (value: unknown): void => void process.send?.({ id: 0, value } satisfies Reply);
