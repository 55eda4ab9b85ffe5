/** W3C Trace Context: one trace over all Deputies that work on a task, and a span for each call. */
import { sha256 } from '../hash.ts';
import type { TaskContext } from '../task/engine.ts';

/** A version after 00 may have more behind its flags (Trace Context, "Versioning of traceparent"). */
const traceparent =
  /^(?!ff)(?!00.{54})[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})[\da-f]{16}-([\da-f]{2})(?:-.{0,200})?$/;

export const isTraceparent = (value: unknown): value is string => typeof value === 'string' && traceparent.test(value);

/** The `traceparent` of the call that `branch` is: the same over all restarts. Taken from the task's own, or begun. */
export function traceOf({ trace, task, path }: Pick<TaskContext, 'trace' | 'task' | 'path'>): string {
  const [, id, flags = sampled] = traceparent.exec(trace ?? '') ?? [];
  return `00-${id ?? digits(task, 32)}-${digits(`${task}\n${path}`, 16)}-${flags}`;
}

const sampled = '01';

/** Ids of zeros alone are none. */
const digits = (text: string, length: number): string =>
  sha256(text)
    .slice(0, length)
    .replace(/^0+$/, (all) => `${all.slice(1)}1`);
