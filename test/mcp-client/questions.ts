/** People and models for the tests of this room: what was asked is noted, and answered by hand. */
import type { ToolCallOptions } from '../../src/agent/tool.ts';
import type { JsonObject } from '../../src/json.ts';
import type { InputRequest, InputResponse } from '../../src/task/question.ts';

export interface Person {
  ask: ToolCallOptions['ask'];
  /** In the order of asking. */
  asked: { key: string; request: InputRequest }[];
  /** Keys of questions that were withdrawn while they were open. */
  withdrawn: string[];
  /** Answers the oldest open question whose message has `words`. */
  answer: (words: string, response: InputResponse) => void;
  isAsked: (words: string) => boolean;
}

/** @param stored answers that an earlier process got, by key; new ones are added */
export function person(stored: Map<string, InputResponse> = new Map()): Person {
  const open: { key: string; message: string; give: (response: InputResponse) => void }[] = [];
  const asked: Person['asked'] = [];
  const withdrawn: string[] = [];
  const find = (words: string) => open.find(({ message }) => message.includes(words));
  return {
    asked,
    withdrawn,
    ask(key, request, signal) {
      asked.push({ key, request });
      const before = stored.get(key);
      if (before !== undefined) return Promise.resolve(before);
      const message = 'message' in request ? request.message : request.kind;
      return new Promise((resolve) => {
        const entry = {
          key,
          message,
          give: (response: InputResponse): void => {
            open.splice(open.indexOf(entry), 1);
            resolve(response);
          },
        };
        open.push(entry);
        const onAbort = (): void => {
          if (!open.includes(entry)) return;
          withdrawn.push(key);
          entry.give({ action: 'withdrawn' });
        };
        signal.addEventListener('abort', onAbort, { once: true });
      });
    },
    answer(words, response) {
      const entry = find(words);
      if (entry === undefined) throw new Error(`nobody asks ${words}`);
      stored.set(entry.key, response);
      entry.give(response);
    },
    isAsked: (words) => find(words) !== undefined,
  };
}

export const accept = (content: JsonObject = {}): InputResponse => ({ action: 'accept', content });

/** `requestedSchema` of one text. */
export const nameSchema = {
  type: 'object' as const,
  properties: { name: { type: 'string' as const } },
  required: ['name'],
};
