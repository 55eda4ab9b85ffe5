/** The parts of a reply that every provider reads in the same way. */
import type { AssistantMessage, ModelReply, ToolCall } from '../agent/model.ts';
import type { Json } from '../json.ts';

/**
 * Claims an id for a call: the model's own where it is there and new, else one by its place.
 * The caller writes it into the native message too.
 */
export function claimId(taken: Set<string>, wanted: unknown): string {
  let id = typeof wanted === 'string' && wanted !== '' ? wanted : `call_${taken.size + 1}`;
  for (let copy = 2; taken.has(id); copy++) id = `call_${taken.size + 1}_${copy}`;
  taken.add(id);
  return id;
}

/** Arguments as a model wrote them. No text at all is what models write for a tool without parameters. */
export function toolCall(id: string, name: unknown, written: unknown): ToolCall {
  const call = { type: 'tool_call', id, name: typeof name === 'string' ? name : '' } as const;
  if (typeof written !== 'string') return { ...call, args: (written ?? {}) as Json };
  if (written.trim() === '') return { ...call, args: {} };
  try {
    return { ...call, args: JSON.parse(written) as Json };
  } catch {
    return { ...call, args: null, malformed: written };
  }
}

/** `tool_calls` wherever the message has calls and nothing else ended it. */
export function stopOf(content: AssistantMessage['content'], ended: 'end' | 'length' | 'refusal'): ModelReply['stop'] {
  return ended === 'end' && content.some((block) => block.type === 'tool_call') ? 'tool_calls' : ended;
}

/** A count from outside: anything but a number is none. */
export const count = (value: unknown): number =>
  typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : 0;

/** The smaller one of two bounds, each of which may be none. */
export const least = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
