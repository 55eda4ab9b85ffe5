/**
 * A result that is too long for the model is kept whole beside the journal: the model sees its beginning and its end,
 * and has a tool of its own from then on with which it reads the rest, page by page.
 */
import { isJsonObject, type Json } from '../json.ts';
import { text } from '../task/content.ts';
import type { TaskContext } from '../task/engine.ts';
import type { ToolSpec } from './model.ts';
import type { ToolOutcome } from './tool.ts';

/** All in characters (UTF-16 units). */
const shownHead = 24 * 1024;
const shownTail = 8 * 1024;
const mostKept = 32 * 1024 * 1024;
const defaultPage = 50_000;
const longestPage = 100_000;

export const readResultSpec: ToolSpec = {
  name: 'read_result',
  description: 'Reads on in a tool result that was too long to be shown whole. Counts in characters.',
  inputSchema: {
    type: 'object',
    properties: {
      id: { type: 'string', description: 'The id that the shortened result names.' },
      offset: { type: 'integer', minimum: 0, default: 0, description: 'Where to begin.' },
      length: { type: 'integer', minimum: 1, maximum: longestPage, default: defaultPage, description: 'How much.' },
    },
    required: ['id'],
    additionalProperties: false,
  },
};

/** Keeps `whole`. @returns what the model reads of it, and the id under which the rest is found. */
export async function spill(
  whole: string,
  keep: (text: string) => Promise<string>,
): Promise<{ shown: string; kept: string }> {
  const kept = await keep(head(whole, mostKept));
  const beyond = whole.length > mostKept ? ` What is beyond the first ${mostKept} is lost.` : '';
  const note =
    `[Cut: the result has ${whole.length} characters; this is its beginning, and below is its end.` +
    `${beyond} Read what is between with ${readResultSpec.name}, id "${kept}".]`;
  return { shown: `${head(whole, shownHead)}\n\n${note}\n\n${tail(whole, shownTail)}`, kept };
}

/** For use inside a step. What the model gets wrong is told to it. */
export async function readResult(args: Json, { kept }: Pick<TaskContext, 'kept'>): Promise<ToolOutcome> {
  const { id, offset = 0, length = defaultPage } = isJsonObject(args) ? args : {};
  if (typeof id !== 'string') return failed('id must be a text: the id that the shortened result names.');
  if (!isCount(offset) || offset < 0) return failed('offset must be a whole number, 0 or more.');
  if (!isCount(length) || length < 1 || length > longestPage)
    return failed(`length must be a whole number from 1 to ${longestPage}.`);

  const page = await kept(id, { offset, length });
  if (page === undefined) return failed(`No result of this task has the id "${id.slice(0, 100)}".`);
  const { total } = page;
  if (offset >= total) return failed(`offset ${offset} is beyond the end: the result has ${total} characters.`);
  // A page that ends within a character gives it to the next one.
  const shown = offset + page.text.length < total && page.text.length > 1 ? whole(page.text) : page.text;
  const end = offset + shown.length;
  const next = end < total ? `the next page is at offset ${end}` : 'this is the end';
  return {
    content: [text(`[${offset} to ${end} of ${total} characters; ${next}]\n${shown.toWellFormed()}`)],
    isError: false,
  };
}

const isCount = (value: Json): value is number => Number.isSafeInteger(value);

const failed = (message: string): ToolOutcome => ({ content: [text(message)], isError: true });

// Half a surrogate pair is no text: some model APIs refuse the whole request for it.
const whole = (value: string): string =>
  isHighSurrogate(value.charCodeAt(value.length - 1)) ? value.slice(0, -1) : value;
const head = (value: string, length: number): string =>
  value.length <= length ? value : whole(value.slice(0, length));
function tail(value: string, length: number): string {
  const end = value.slice(-length);
  return isLowSurrogate(end.charCodeAt(0)) ? end.slice(1) : end;
}

const isHighSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff;
const isLowSurrogate = (unit: number): boolean => unit >= 0xdc00 && unit <= 0xdfff;
