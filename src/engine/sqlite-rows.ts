/** Rows as the engine's values. What stands in the file is our own; it is parsed as plain JSON and nothing more. */
import type { SQLOutputValue } from 'node:sqlite';
import type { JsonObject } from '../json.ts';
import type { EffectClass } from '../task/effect.ts';
import type { Answer, InputRequest, Intent, Question } from '../task/question.ts';
import type { StepRecord, Task, TaskState } from '../task/task.ts';
import type { OtherInstance } from './store.ts';

export type Row = Record<string, SQLOutputValue>;

/** @param questions those of the task, where its status is `input_required`. */
export function taskFrom(row: Row, questions: readonly Question[]): Task {
  const base = {
    id: String(row['id']),
    agent: String(row['agent']),
    owner: String(row['owner']),
    input: JSON.parse(String(row['input'])) as JsonObject,
    conversation: String(row['conversation']),
    ...(row['predecessor'] !== null && { predecessor: String(row['predecessor']) }),
    createdAt: Number(row['created_at']),
    updatedAt: Number(row['updated_at']),
    ttlMs: row['ttl_ms'] === null ? null : Number(row['ttl_ms']),
  };
  const outcome = row['outcome'] === null ? {} : (JSON.parse(String(row['outcome'])) as JsonObject);
  const state = { status: row['status'], ...outcome } as TaskState;
  return state.status === 'input_required'
    ? { ...base, status: 'input_required', inputRequests: openRequests(questions) }
    : { ...base, ...state };
}

const openRequests = (questions: Iterable<Question>): Record<string, InputRequest> =>
  Object.fromEntries(
    [...questions].filter(({ answer }) => answer === undefined).map(({ wireKey, request }) => [wireKey, request]),
  );

export const stepFrom = (row: Row): StepRecord => ({
  key: String(row['key']),
  value: JSON.parse(String(row['value'])),
  at: Number(row['at']),
});

export const intentFrom = (row: Row): Intent => ({
  bytes: String(row['bytes']),
  effect: String(row['effect']) as EffectClass,
  ...(row['reference'] !== null && { reference: String(row['reference']) }),
  at: Number(row['at']),
});

export const questionFrom = (row: Row): Question => ({
  key: String(row['key']),
  wireKey: String(row['wire_key']),
  request: JSON.parse(String(row['request'])) as InputRequest,
  askedAt: Number(row['asked_at']),
  ...(row['answer'] !== null && { answer: JSON.parse(String(row['answer'])) as Answer }),
});

export const otherFrom = (row: Row): OtherInstance => ({
  id: String(row['id']),
  ...(row['pid'] !== null && { pid: Number(row['pid']) }),
  ...(row['host'] !== null && { host: String(row['host']) }),
  ...(row['seen_at'] !== null && { seenAt: Number(row['seen_at']) }),
});
