/** Rows as the engine's values. What stands in the file is our own; it is parsed as plain JSON and nothing more. */
import type { JsonObject } from '../json.ts';
import type { EffectClass } from '../task/effect.ts';
import type { ArtifactInfo, LeftBehind } from '../task/engine.ts';
import type { Mandate } from '../task/mandate.ts';
import type { Answer, Answerer, InputRequest, Intent, Question, Sent } from '../task/question.ts';
import type { StepRecord, Task, TaskState } from '../task/task.ts';
import type { OtherInstance } from './store.ts';

export type Row = Readonly<Record<string, string | number | bigint | Uint8Array | null>>;

/** @param open the open questions of the task. */
export function taskFrom(row: Row, open: readonly Question[]): Task {
  const message = timerMessage(open) ?? (row['message'] === null ? undefined : String(row['message']));
  const base = {
    id: String(row['id']),
    agent: String(row['agent']),
    owner: String(row['owner']),
    input: JSON.parse(String(row['input'])) as JsonObject,
    conversation: String(row['conversation']),
    ...(row['predecessor'] !== null && { predecessor: String(row['predecessor']) }),
    ...(row['definition'] !== null && { definition: String(row['definition']) }),
    ...(row['mandate'] !== null && { mandate: JSON.parse(String(row['mandate'])) as Mandate }),
    ...(row['trace'] !== null && { trace: String(row['trace']) }),
    createdAt: Number(row['created_at']),
    updatedAt: Number(row['updated_at']),
    ttlMs: row['ttl_ms'] === null ? null : Number(row['ttl_ms']),
  };
  const outcome = row['outcome'] === null ? {} : (JSON.parse(String(row['outcome'])) as JsonObject);
  const state = { status: row['status'], ...outcome } as TaskState;
  if (state.status === 'input_required') return { ...base, status: 'input_required', inputRequests: requests(open) };
  return { ...base, ...(state.status === 'working' && message !== undefined && { statusMessage: message }), ...state };
}

const requests = (open: readonly Question[]): Record<string, InputRequest> =>
  Object.fromEntries(
    open.flatMap(({ wireKey, request }) => (request.kind === 'timer' ? [] : [[wireKey, request] as const])),
  );

/** Of several timers the one that is over first says what is waited for. */
function timerMessage(open: readonly Question[]): string | undefined {
  const [first] = open
    .filter((question) => question.request.kind === 'timer')
    .toSorted((a, b) => (a.expiresAt ?? Infinity) - (b.expiresAt ?? Infinity));
  return first?.request.kind === 'timer' ? first.request.message : undefined;
}

export const stepFrom = (row: Row): StepRecord => ({
  key: String(row['key']),
  value: JSON.parse(String(row['value'])),
  at: Number(row['at']),
});

export const intentFrom = (row: Row): Intent => ({
  bytes: String(row['bytes']),
  effect: String(row['effect']) as EffectClass,
  ...(row['reference'] !== null && { reference: String(row['reference']) }),
  ...(row['approval'] !== null && { approval: String(row['approval']) }),
  at: Number(row['at']),
});

export const questionFrom = (row: Row): Question => ({
  key: String(row['key']),
  wireKey: String(row['wire_key']),
  request: JSON.parse(String(row['request'])) as Question['request'],
  askedAt: Number(row['asked_at']),
  ...(row['expires_at'] !== null && { expiresAt: Number(row['expires_at']) }),
  ...(row['relayed_by'] !== null && { relayedBy: String(row['relayed_by']) }),
  ...(row['answer'] !== null && { answer: JSON.parse(String(row['answer'])) as Answer }),
});

export const sentFrom = (row: Row): Sent => ({
  seq: Number(row['seq']),
  text: JSON.parse(String(row['text'])) as string,
  by: JSON.parse(String(row['by'])) as Answerer,
  at: Number(row['at']),
});

export const artifactFrom = (row: Row): ArtifactInfo => ({
  id: String(row['id']),
  name: String(row['name']),
  total: Number(row['total']),
  at: Number(row['at']),
});

export const leftBehindFrom = (row: Row): LeftBehind => ({
  task: String(row['task']),
  key: String(row['key']),
  tool: String(row['tool']),
  reference: String(row['reference']),
  ...(row['definition'] !== null && { definition: String(row['definition']) }),
});

export const otherFrom = (row: Row): OtherInstance => ({
  id: String(row['id']),
  ...(row['pid'] !== null && { pid: Number(row['pid']) }),
  ...(row['host'] !== null && { host: String(row['host']) }),
  ...(row['seen_at'] !== null && { seenAt: Number(row['seen_at']) }),
});
