import { isJsonObject, type JsonObject } from '../json.ts';

/** What models read and agents answer, in MCP's own words (specification, `ContentBlock`). Binary data is base64. */
export type Content = TextContent | ImageContent | AudioContent | ResourceContent | ResourceLink;

export type TextContent = { type: 'text'; text: string };
export type ImageContent = { type: 'image'; data: string; mimeType: string };
export type AudioContent = { type: 'audio'; data: string; mimeType: string };
/** An embedded resource: its text, or its bytes as base64. */
export type ResourceContent = { type: 'resource'; uri: string; mimeType?: string } & (
  | { text: string }
  | { blob: string }
);
export type ResourceLink = {
  type: 'resource_link';
  uri: string;
  name: string;
  description?: string;
  mimeType?: string;
};

export const text = (value: string): TextContent => ({ type: 'text', text: value });

/** The text blocks of `content`, joined. */
export function textOf(content: readonly { type: string }[]): string {
  return content
    .filter((block): block is TextContent => block.type === 'text')
    .map((block) => block.text)
    .join('');
}

/** A block that came over the wire, where its kind is known and all of it is there. */
export function contentFrom(block: JsonObject): Content | undefined {
  const { type, data, mimeType, uri, name, description, resource } = block;
  if (type === 'text' && typeof block['text'] === 'string') return text(block['text']);
  if ((type === 'image' || type === 'audio') && typeof data === 'string' && typeof mimeType === 'string')
    return { type, data, mimeType };
  if (type === 'resource' && isJsonObject(resource)) return resourceFrom(resource);
  if (type !== 'resource_link' || typeof uri !== 'string') return undefined;
  return {
    type,
    uri,
    name: typeof name === 'string' ? name : uri,
    ...(typeof description === 'string' && { description }),
    ...(typeof mimeType === 'string' && { mimeType }),
  };
}

function resourceFrom({ uri, mimeType, text, blob }: JsonObject): ResourceContent | undefined {
  if (typeof uri !== 'string') return undefined;
  const named = { type: 'resource' as const, uri, ...(typeof mimeType === 'string' && { mimeType }) };
  if (typeof text === 'string') return { ...named, text };
  return typeof blob === 'string' ? { ...named, blob } : undefined;
}

/** The block as it goes over the wire: an embedded resource stands in a member of its own there. */
export function blockOf(content: Content): JsonObject {
  if (content.type !== 'resource') return { ...content };
  const { type, ...resource } = content;
  return { type, resource };
}
