/** What happened in a task, told from its records: what models said, what was called, what people were asked. */
import type { ModelReply } from './model.ts';
import type { ToolOutcome } from './tool.ts';
import { isJsonObject, type Json } from '../json.ts';
import type { Content } from '../task/content.ts';
import type { TaskRecord } from '../task/engine.ts';
import type { Answer, InputRequest } from '../task/question.ts';
import type { Usage } from '../task/usage.ts';

/** `path` is the branch: empty for the task's own agent, otherwise the call in which a nested one works. */
export type Entry = { path: string; at: number } & (
  | { kind: 'reply'; turn: number; model: string; content: ModelReply['message']['content']; usage: Usage }
  /** The model said nothing; `message` says why. */
  | { kind: 'stop'; turn: number; message: string }
  | { kind: 'result'; turn: number; call: number; tool?: string; args?: Json; isError: boolean; content: Content[] }
  /** Left, and nobody knows whether it happened. */
  | { kind: 'unfinished'; turn: number; call: number; effect: string; bytes: string; reference?: string }
  | { kind: 'question'; wireKey: string; request: InputRequest; answer?: Answer }
);

export function entriesOf({ steps, intents, questions }: TaskRecord): Entry[] {
  const calls = new Map<string, { name: string; args: Json }>();
  const entries: Entry[] = [];
  for (const { key, value, at } of steps) {
    const turn = /^(.*\/)?turn (\d+): model$/.exec(key);
    if (turn !== null) {
      const path = (turn[1] ?? '').slice(0, -1);
      entries.push(turnEntry({ path, at }, Number(turn[2]), value, calls));
      continue;
    }
    const call = /^(.*\/)?turn (\d+): call (\d+)\/(call(?: \d+)?|settled)$/.exec(key);
    if (call === null || !isJsonObject(value)) continue;
    const place = { path: (call[1] ?? '').slice(0, -1), turn: Number(call[2]), call: Number(call[3]) };
    const outcome = value as unknown as ToolOutcome;
    const made = calls.get(`${call[1] ?? ''}${place.turn}/${place.call}`);
    entries.push({
      kind: 'result',
      ...place,
      at,
      ...(made !== undefined && { tool: made.name, args: made.args }),
      isError: outcome.isError,
      content: outcome.content,
    });
  }
  const recorded = new Set(steps.map(({ key }) => key));
  for (const [key, { bytes, effect, reference, at }] of intents) {
    const call = /^(.*\/)?turn (\d+): call (\d+)\//.exec(key);
    if (call === null || recorded.has(key)) continue;
    const place = { path: (call[1] ?? '').slice(0, -1), turn: Number(call[2]), call: Number(call[3]) };
    entries.push({ kind: 'unfinished', ...place, at, effect, bytes, ...(reference !== undefined && { reference }) });
  }
  for (const { key, wireKey, request, askedAt, answer } of questions) {
    const path = key.slice(0, Math.max(0, key.lastIndexOf('/')));
    entries.push({ kind: 'question', path, at: askedAt, wireKey, request, ...(answer !== undefined && { answer }) });
  }
  return entries.toSorted((a, b) => a.at - b.at);
}

function turnEntry(
  place: { path: string; at: number },
  turn: number,
  value: Json,
  calls: Map<string, { name: string; args: Json }>,
): Entry {
  const outcome = isJsonObject(value) ? value : {};
  if (outcome['kind'] !== 'reply') {
    const message = typeof outcome['message'] === 'string' ? outcome['message'] : 'the conversation is too long';
    return { kind: 'stop', ...place, turn, message };
  }
  const reply = outcome['reply'] as unknown as ModelReply;
  const prefix = place.path === '' ? '' : `${place.path}/`;
  const made = reply.message.content.filter((block) => block.type === 'tool_call');
  for (const [index, { name, args }] of made.entries()) calls.set(`${prefix}${turn}/${index + 1}`, { name, args });
  return { kind: 'reply', ...place, turn, model: reply.model, content: reply.message.content, usage: reply.usage };
}
