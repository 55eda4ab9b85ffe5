/** What happened in a task, told from its records: what models said, what was called, what people were asked and said. */
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import type { Content } from '../task/content.ts';
import type { TaskRecord } from '../task/engine.ts';
import type { Answer, Answerer, InputRequest, Question, Sent } from '../task/question.ts';
import type { Usage } from '../task/usage.ts';
import { isOutcomeStep } from './call-steps.ts';
import type { ModelReply } from './model.ts';
import type { ToolOutcome } from './tool.ts';

/** `path` is the branch: empty for the task's own agent, otherwise the call in which a nested one works. */
export type Entry = { path: string; at: number } & (
  | { kind: 'reply'; turn: number; model: string; content: ModelReply['message']['content']; usage: Usage }
  /** The model said nothing, or the operator's hooks did not let it; `message` says why. */
  | { kind: 'stop'; turn: number; message: string }
  | { kind: 'result'; turn: number; call: number; tool?: string; args?: Json; isError: boolean; content: Content[] }
  /** Left, and nobody knows whether it happened. */
  | { kind: 'unfinished'; turn: number; call: number; effect: string; bytes: string; reference?: string }
  | { kind: 'question'; wireKey: string; request: InputRequest; answer?: Answer }
  /** It could not go on for a while. `until`: when it did, or will by itself. */
  | { kind: 'wait'; message: string; until: number; isOver: boolean }
  /** What a person sent to the task. `turn`: the one in which the model read it, once it has. */
  | { kind: 'sent'; text: string; by: Answerer; turn?: number }
);

type Place = { path: string; at: number };
/** The calls that models asked for, by path, turn and number. */
type Calls = Map<string, { name: string; args: Json }>;

export function entriesOf({ steps, intents, questions, sent }: TaskRecord): Entry[] {
  const calls: Calls = new Map();
  const heardAt = new Map<number, number>();
  const recorded = new Set(steps.map(({ key }) => key));
  const entries: Entry[] = [];
  const results = new Map<string, Entry>();
  for (const { key, value, at } of steps) {
    if (!isJsonObject(value)) continue;
    const entry = modelEntry(key, value, at, calls, heardAt) ?? hookEntry(key, value, at);
    if (entry !== undefined) entries.push(entry);
    const result = resultEntry(key, value, at, calls);
    // The last word on a call stands for it.
    if (result !== undefined) results.set(key.slice(0, key.lastIndexOf('/')), result);
  }
  entries.push(...results.values());
  for (const [key, { bytes, effect, reference, at }] of intents) {
    const call = placeOfCall(key);
    if (call === undefined || recorded.has(key)) continue;
    const { path, turn, number } = call;
    const named = reference !== undefined && { reference };
    entries.push({ kind: 'unfinished', path, at, turn, call: number, effect, bytes, ...named });
  }
  entries.push(...questions.map(questionEntry), ...sent.map((one) => sentEntry(one, heardAt)));
  return entries.toSorted((a, b) => a.at - b.at);
}

/** `turn 3: model`, and `turn 3: model 2` where the first question found nobody. */
function modelEntry(
  key: string,
  value: JsonObject,
  at: number,
  calls: Calls,
  heardAt: Map<number, number>,
): Entry | undefined {
  const found = /^(.*\/)?turn (\d+): model(?: \d+)?$/.exec(key);
  if (found === null) return undefined;
  const prefix = found[1] ?? '';
  const turn = Number(found[2]);
  const place: Place = { path: prefix.slice(0, -1), at };
  if (value['kind'] !== 'reply') {
    const message = typeof value['message'] === 'string' ? value['message'] : 'the conversation is too long';
    return { kind: 'stop', ...place, turn, message };
  }
  const { reply, heard = [] } = value as unknown as { reply: ModelReply; heard?: Sent[] };
  for (const { seq } of heard) heardAt.set(seq, turn);
  const made = reply.message.content.filter((block) => block.type === 'tool_call');
  for (const [index, { name, args }] of made.entries()) calls.set(`${prefix}${turn}/${index + 1}`, { name, args });
  return { kind: 'reply', ...place, turn, model: reply.model, content: reply.message.content, usage: reply.usage };
}

/** What a hook of a turn forbade; that it let things pass is nothing that happened. */
function hookEntry(key: string, value: JsonObject, at: number): Entry | undefined {
  const found = /^(.*\/)?turn (\d+): (task_start|task_end|after_model)$/.exec(key);
  if (found === null || value['kind'] !== 'deny') return undefined;
  const reason = typeof value['reason'] === 'string' ? value['reason'] : '';
  const place = { path: (found[1] ?? '').slice(0, -1), at, turn: Number(found[2]) };
  return { kind: 'stop', ...place, message: `hook ${found[3]}: ${reason}` };
}

/** Of the steps of a call those that are results: a call that asked for leave was not made. */
function resultEntry(key: string, value: JsonObject, at: number, calls: Calls): Entry | undefined {
  const place = placeOfCall(key);
  if (place === undefined || !Array.isArray(value['content'])) return undefined;
  const outcome = value as unknown as ToolOutcome;
  if (outcome.asks !== undefined || !isOutcomeStep(place.step)) return undefined;
  const { path, turn, number } = place;
  const made = calls.get(`${path === '' ? '' : `${path}/`}${turn}/${number}`);
  return {
    kind: 'result',
    path,
    turn,
    call: number,
    at,
    ...(made !== undefined && { tool: made.name, args: made.args }),
    isError: outcome.isError,
    content: outcome.content,
  };
}

/** `path` is that of the agent that made the call. */
function placeOfCall(key: string): { path: string; turn: number; number: number; step: string } | undefined {
  const found = /^(.*\/)?turn (\d+): call (\d+)\/([^/]*)$/.exec(key);
  if (found === null) return undefined;
  const [, prefix = '', turn, number, step = ''] = found;
  return { path: prefix.slice(0, -1), turn: Number(turn), number: Number(number), step };
}

function questionEntry({ key, wireKey, request, askedAt: at, expiresAt, answer }: Question): Entry {
  const path = key.slice(0, Math.max(0, key.lastIndexOf('/')));
  if (request.kind !== 'timer')
    return { kind: 'question', path, at, wireKey, request, ...(answer !== undefined && { answer }) };
  const until = answer?.at ?? expiresAt ?? at;
  return { kind: 'wait', path, at, message: request.message, until, isOver: answer !== undefined };
}

function sentEntry({ seq, text, by, at }: Sent, heardAt: ReadonlyMap<number, number>): Entry {
  const turn = heardAt.get(seq);
  return { kind: 'sent', path: '', at, text, by, ...(turn !== undefined && { turn }) };
}
