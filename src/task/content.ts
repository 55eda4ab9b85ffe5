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
