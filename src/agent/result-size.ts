/** A tool result is bounded before it is recorded and before a model reads it. */
import type { Content } from '../task/content.ts';
import type { ToolOutcome } from './tool.ts';

/** Bytes of text a model reads of one tool result. */
const maxText = 256 * 1024;
/** Bytes of base64 that one image, sound or file may have. */
const maxBinary = 8 * 1024 * 1024;

/** `outcome` with its text cut to 256 KiB in all and oversized binary data left out; each cut is told to the model. */
export function fitted(outcome: ToolOutcome): ToolOutcome {
  let left = maxText;
  const content = outcome.content.map((block): Content => {
    if (block.type === 'text') {
      const kept = cut(block.text, left);
      left -= Math.min(left, block.text.length);
      return kept === block.text ? block : { type: 'text', text: kept };
    }
    if (block.type === 'resource' && 'text' in block) {
      const kept = cut(block.text, left);
      left -= Math.min(left, block.text.length);
      return kept === block.text ? block : { ...block, text: kept };
    }
    const data = block.type === 'resource' ? block.blob : block.type === 'resource_link' ? '' : block.data;
    if (data.length <= maxBinary) return block;
    return { type: 'text', text: `[${block.type} of ${data.length} base64 characters left out: too large]` };
  });
  return { ...outcome, content };
}

const cut = (value: string, limit: number): string =>
  value.length <= limit
    ? value
    : `${value.slice(0, limit)}\n[cut: ${value.length - limit} of ${value.length} characters left out]`;
