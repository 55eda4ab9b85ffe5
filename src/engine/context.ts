/**
 * The loop's side of a running task.
 *
 * Invariants:
 *   E1. No result without its record: a step's value is stored before the loop sees it, an intent before it may leave.
 *   E4. What is recorded is returned and not done again: a first run and a recovery take the same path.
 *   After the task was cancelled no effect begins: every verb rejects with the signal's reason.
 *   A task is parked when it waits for answers and no verb is at work: see `Run.rest`.
 */
import { createHash } from 'node:crypto';
import type { Commit, TaskContext } from '../task/engine.ts';
import type { InputResponse, Question } from '../task/question.ts';
import type { Run } from './run.ts';

export function taskContext(run: Run, path: string, startedAt: number): TaskContext {
  const { signal } = run.abort;
  const keyOf = (name: string): string => (path === '' ? name : `${path}/${name}`);
  let now = startedAt;
  const seen = (at: number): void => {
    now = Math.max(now, at);
  };

  return {
    path,
    signal,
    get now() {
      return now;
    },
    get hasListeners() {
      return run.watchers.wantDeltas;
    },

    async step(name, effect) {
      signal.throwIfAborted();
      const key = keyOf(name);
      const record = run.steps.get(key);
      if (record !== undefined) {
        seen(record.at);
        return record.value as Awaited<ReturnType<typeof effect>>;
      }
      return run.working(async () => {
        const value = await effect(signal, commitOf(run, key));
        const at = Date.now();
        await run.write({ kind: 'step', key, value: JSON.stringify(value ?? null), at });
        signal.throwIfAborted();
        seen(at);
        return value;
      });
    },

    unfinished(name) {
      const key = keyOf(name);
      return run.steps.has(key) ? undefined : run.intents.get(key);
    },

    async requestInput(name, request): Promise<InputResponse> {
      signal.throwIfAborted();
      const key = keyOf(name);
      const asked = run.questions.get(key);
      if (asked === undefined) await run.working(() => run.ask(questionOf(key, request)));
      const answer = asked?.answer ?? (await run.answerTo(key));
      seen(answer.at);
      return answer.response;
    },

    previous: () => run.working(() => run.previous()),

    async branch(key, body) {
      signal.throwIfAborted();
      const branch = taskContext(run, keyOf(key), now);
      const value = await body(branch);
      seen(branch.now);
      return value;
    },

    emit: (event) => run.tell({ ...event, path, at: Date.now() }),
  };
}

function commitOf(run: Run, key: string): Commit {
  const { signal } = run.abort;
  const commit = async (bytes: string, effect: Parameters<Commit>[1]): Promise<void> => {
    signal.throwIfAborted();
    // What may not be repeated must not be forgotten either: not even by a power cut.
    await run.write({ kind: 'intent', key, bytes, effect, at: Date.now() }, { barrier: effect === 'unsafe' });
    signal.throwIfAborted();
  };
  const reference = (id: string): Promise<void> =>
    run.write({ kind: 'reference', key, reference: id, at: Date.now() }, { barrier: true });
  return Object.assign(commit, { reference });
}

const questionOf = (key: string, request: Question['request']): Question => ({
  key,
  wireKey: wireKeyOf(key, 1),
  request,
  askedAt: Date.now(),
});

/**
 * A name that the task's author gave at the root is kept; of any other question the key says nothing. It is the same
 * after a crash between two writes, and new for every attempt.
 */
export function wireKeyOf(key: string, attempt: number): string {
  const name = /^[A-Za-z_]\w{0,63}$/.test(key) ? key : createHash('sha256').update(key).digest('base64url').slice(0, 12);
  return attempt === 1 && name === key ? name : `${name}.${attempt}`;
}

/** Which attempt a wire key is of. */
export const attemptOf = (wireKey: string): number => Number(/\.(\d+)$/.exec(wireKey)?.[1] ?? 1);
