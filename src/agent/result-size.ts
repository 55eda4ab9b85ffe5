/** A tool result is bounded before it is recorded and before a model reads it. */
import { type Content, text } from '../task/content.ts';
import type { ToolOutcome } from './tool.ts';

/** Characters of text that a model reads of one tool result, names and addresses included. */
const maxText = 256 * 1024;
/** Characters of base64 that the images, sounds and files of one tool result may have together. */
const maxBinary = 8 * 1024 * 1024;

/**
 * What is recorded of `outcome`: its text cut to 256 KiB in all and binary data beyond 8 MiB left out, each cut told
 * to the model. Structured content goes, for the model reads the content; without any content it is the content.
 */
export function fitted({ content, structuredContent, ...outcome }: ToolOutcome): ToolOutcome {
  const blocks =
    content.length === 0 && structuredContent !== undefined ? [text(JSON.stringify(structuredContent))] : content;
  const room = { text: maxText, binary: maxBinary };
  const kept: Content[] = [];
  for (const block of blocks) {
    if (room.text <= 0) {
      kept.push(text(`[${blocks.length - kept.length} more parts left out: the result is too long]`));
      break;
    }
    kept.push(fittedBlock(block, room));
  }
  return { ...outcome, content: kept };
}

function fittedBlock(block: Content, room: { text: number; binary: number }): Content {
  const limit = room.text;
  switch (block.type) {
    case 'text':
      room.text -= block.text.length;
      return block.text.length <= limit ? block : text(cut(block.text, limit));
    case 'resource': {
      room.text -= block.uri.length;
      if (!('text' in block)) return fittedBinary(block, block.blob, room);
      room.text -= block.text.length;
      return block.text.length <= limit ? block : { ...block, text: cut(block.text, limit) };
    }
    case 'image':
    case 'audio':
      return fittedBinary(block, block.data, room);
    case 'resource_link':
      room.text -= block.uri.length + block.name.length + (block.description?.length ?? 0);
      return room.text >= 0 ? block : text(`[${block.type} left out: the result is too long]`);
  }
}

function fittedBinary(block: Content, data: string, room: { binary: number }): Content {
  if (data.length > room.binary) return text(`[${block.type} of ${data.length} base64 characters left out: too large]`);
  room.binary -= data.length;
  return block;
}

function cut(value: string, limit: number): string {
  // Half a surrogate pair is no text: some model APIs refuse the whole request for it.
  const end = isHighSurrogate(value.charCodeAt(limit - 1)) ? limit - 1 : limit;
  return `${value.slice(0, end)}\n[cut: ${value.length - end} of ${value.length} characters left out]`;
}

const isHighSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff;
