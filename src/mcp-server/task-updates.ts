import type { ServeOptions } from './options.ts';

/** Tells of every change of a task's state after the present one, until the task is over or `signal` aborts. */
export async function tellUpdates(
  { engine, log }: ServeOptions,
  owner: string,
  task: string,
  signal: AbortSignal,
  tell: () => void,
): Promise<void> {
  let isFirst = true;
  try {
    for await (const event of engine.watch(task, owner, { signal })) {
      if (event.type !== 'status') continue;
      if (!isFirst) tell();
      isFirst = false;
    }
  } catch (error) {
    log.error({ task, err: error }, 'a subscription could not tell of a task');
  }
}
