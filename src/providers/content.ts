/** Content that an API does not take, as text, so that the model at least knows what was there. */
import type { Content } from '../task/content.ts';

/** What a block carries, once its shape no longer matters. */
export type Part = { kind: 'text'; text: string } | { kind: 'bytes'; data: string; mimeType: string; uri?: string };

export function partOf(content: Content): Part {
  switch (content.type) {
    case 'text':
      return { kind: 'text', text: content.text };
    case 'image':
    case 'audio':
      return { kind: 'bytes', data: content.data, mimeType: content.mimeType };
    case 'resource':
      if ('text' in content) return { kind: 'text', text: `${content.uri}:\n${content.text}` };
      return {
        kind: 'bytes',
        data: content.blob,
        mimeType: content.mimeType ?? 'application/octet-stream',
        uri: content.uri,
      };
    case 'resource_link': {
      const about = [content.mimeType, content.description].filter((word) => word !== undefined).join(', ');
      return { kind: 'text', text: `[link to ${content.name}: ${content.uri}${about && ` (${about})`}]` };
    }
    default:
      return { kind: 'text', text: `[left out: content of an unknown type]` };
  }
}

export function leftOut(part: Extract<Part, { kind: 'bytes' }>): string {
  const kilobytes = Math.ceil((part.data.length * 3) / 4 / 1024);
  return `[left out: ${part.mimeType}, ${kilobytes} KiB${part.uri === undefined ? '' : `, ${part.uri}`}; this model's API does not take it]`;
}

/** Of `image/jpeg; q=1`, `image/jpeg`. */
export const mediaType = (mimeType: string): string => mimeType.split(';', 1)[0]!.trim().toLowerCase();

export const isImage = (type: string): boolean => /^image\/(png|jpeg|gif|webp)$/.test(type);

/** A name for APIs that want one: the last segment of the address, else by type. */
export const fileName = (part: Extract<Part, { kind: 'bytes' }>): string =>
  part.uri?.split(/[?#]/, 1)[0]?.split('/').pop() || `file.${mediaType(part.mimeType).split('/')[1] ?? 'bin'}`;
