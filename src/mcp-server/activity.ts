import type { JsonObject } from '../json.ts';
import { activityKey } from '../meta-keys.ts';
import type { Task } from '../task/task.ts';
import type { ServeOptions } from './options.ts';

/** `_meta` of what is told of a task: what is done in it at the moment, where a Deputy called it. */
export function activityMeta({ lines }: ServeOptions, task: Task): JsonObject {
  const activity = task.mandate === undefined ? [] : (lines?.activity(task) ?? []);
  if (activity.length === 0) return {};
  return { [activityKey]: activity.map(({ chain, line }) => ({ chain: [...chain], line })) };
}

/** Empty where there is none. */
export const metaOf = (_meta: JsonObject): JsonObject => (Object.keys(_meta).length > 0 ? { _meta } : {});

interface Paced {
  /** There is something to tell: at once, or when the time has come. */
  poke(): void;
  stop(): void;
}

/** Tells the newest, every `gapMs` at most. @param isBehind what was told before has not left yet. */
export function paced(tell: () => void, { gapMs, isBehind }: { gapMs: () => number; isBehind: () => boolean }): Paced {
  let timer: NodeJS.Timeout | undefined;
  let isDue = false;
  const poke = (): void => {
    isDue = timer !== undefined || isBehind();
    timer ??= setTimeout(timeUp, gapMs()).unref();
    if (!isDue) tell();
  };
  const timeUp = (): void => {
    timer = undefined;
    if (isDue) poke();
  };
  return { poke, stop: () => clearTimeout(timer) };
}
