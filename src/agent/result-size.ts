/** A tool result is bounded before it is recorded and before a model reads it. */
import { type Content, text } from '../task/content.ts';
import { spill } from './spill.ts';
import type { ToolOutcome } from './tool.ts';

/** Characters of text that one tool result may have, names and addresses included; beyond them it is kept apart. */
const mostText = 256 * 1024;
/** Characters of base64 that the images, sounds and files of one tool result may have together. */
const mostBinary = 8 * 1024 * 1024;
/** Characters of text that one answer may have which a plan hands on. */
const mostWhole = 8 * 1024 * 1024;
/** What a block takes beside its data. */
const frame = 100;

/**
 * What is recorded of `outcome`. Text of more than 256 KiB in all is kept whole with `keep`, and the model is shown its
 * ends; binary data beyond 8 MiB is left out; both are told to the model. Structured content goes, for the model reads
 * the content; without any content it is the content.
 * @param keep stores a text for the life of the task and gives its id: to be called inside the step of the call.
 */
export async function fitted(
  { content, structuredContent, ...outcome }: ToolOutcome,
  keep: (text: string) => Promise<string>,
): Promise<ToolOutcome> {
  const blocks =
    content.length === 0 && structuredContent !== undefined ? [text(JSON.stringify(structuredContent))] : content;
  const bounded = withinBinary(blocks);
  const size = bounded.reduce((sum, block) => sum + (wordsOf(block)?.length ?? 0), 0);
  if (size <= mostText) return { ...outcome, content: bounded };

  const words = bounded.map(wordsOf).filter((part) => part !== undefined);
  const { shown, kept } = await spill(words.join('\n'), keep);
  return { ...outcome, content: [text(shown), ...bounded.filter((block) => wordsOf(block) === undefined)], kept };
}

/**
 * What a plan reads of `outcome`: all of it, for it hands answers on to agents that it does not know the windows of.
 * What is too large to be handed on at all is a failure, never a part of it.
 */
export function wholeOf({ content, structuredContent, ...outcome }: ToolOutcome): ToolOutcome {
  const blocks =
    content.length === 0 && structuredContent !== undefined ? [text(JSON.stringify(structuredContent))] : content;
  const size = blocks.reduce((sum, block) => sum + (wordsOf(block)?.length ?? 0), 0);
  if (size <= mostWhole) return { ...outcome, content: withinBinary(blocks) };
  const why = `Its answer has ${size} characters, and no more than ${mostWhole} can be handed on.`;
  return { ...outcome, content: [text(why)], isError: true };
}

/** A block as text; undefined for one that is none. */
function wordsOf(block: Content): string | undefined {
  switch (block.type) {
    case 'text':
      return block.text;
    case 'resource':
      return 'text' in block ? `[${block.uri}]\n${block.text}` : undefined;
    case 'resource_link':
      return `[link ${block.name}: ${block.uri}]${block.description === undefined ? '' : ` ${block.description}`}`;
    case 'image':
    case 'audio':
      return undefined;
  }
}

/** As many images, sounds and files as there is room for, in their order. */
function withinBinary(blocks: readonly Content[]): Content[] {
  let room = mostBinary;
  let leftOut = 0;
  const kept = blocks.filter((block) => {
    const size = binarySize(block);
    const fits = size <= room;
    if (fits) room -= size;
    else leftOut += 1;
    return fits;
  });
  if (leftOut > 0) kept.push(text(`[${leftOut} images, sounds or files left out: too large]`));
  return kept;
}

function binarySize(block: Content): number {
  if (block.type === 'image' || block.type === 'audio') return frame + block.data.length + block.mimeType.length;
  if (block.type !== 'resource' || !('blob' in block)) return 0;
  return frame + block.blob.length + block.uri.length + (block.mimeType?.length ?? 0);
}
