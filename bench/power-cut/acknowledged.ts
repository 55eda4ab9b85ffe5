/** What the engine has acknowledged while it worked, and whether a store still has it. */
import type { Loaded } from '../../src/engine/store.ts';
import type { JsonObject } from '../../src/json.ts';

/** Each says what must be there from now on; what comes later may add to it and takes nothing away. */
export type Acknowledged = { task: string } & (
  | { what: 'task'; input: JsonObject }
  /** The commit of an unsafe call has returned: the call may leave. */
  | { what: 'intent'; key: string; bytes: string }
  | { what: 'reference'; key: string; reference: string }
  /** Told to watchers, or to who dismissed it; asked again it has another wire key. */
  | { what: 'question'; key: string; wireKey: string }
  | { what: 'answer'; key: string; content: JsonObject }
  | { what: 'end'; status: string; result: string }
);

/** A question is asked again under `name.2`, then `name.3`. */
const attemptOf = (wireKey: string): number => Number(/\.(\d+)$/.exec(wireKey)?.[1] ?? 1);

export function isKept(loaded: Loaded | undefined, ack: Acknowledged): boolean {
  if (loaded === undefined) return false;
  const { task, intents, questions } = loaded;
  const asked = (key: string) => questions.find((question) => question.key === key);
  switch (ack.what) {
    case 'task':
      return JSON.stringify(task.input) === JSON.stringify(ack.input);
    case 'intent':
      return intents.get(ack.key)?.bytes === ack.bytes;
    case 'reference':
      return intents.get(ack.key)?.reference === ack.reference;
    case 'question':
      return attemptOf(asked(ack.key)?.wireKey ?? '.0') >= attemptOf(ack.wireKey);
    case 'answer': {
      const response = asked(ack.key)?.answer?.response;
      return response?.action === 'accept' && JSON.stringify(response.content) === JSON.stringify(ack.content);
    }
    case 'end':
      return task.status === ack.status && resultOf(task) === ack.result;
  }
}

/** JSON text; empty where the end has none. */
export const resultOf = (task: Loaded['task']): string =>
  task.status === 'completed' ? JSON.stringify(task.result) : '';
