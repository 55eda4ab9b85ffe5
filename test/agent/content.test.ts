import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { agentInput, defaultInputSchema } from '../../src/agent/agent-input.ts';
import { fitted } from '../../src/agent/result-size.ts';
import type { Json, JsonObject } from '../../src/json.ts';
import { schemaCheck, schemaFault } from '../../src/json-schema.ts';
import { type Content, text, textOf } from '../../src/task/content.ts';

const blocks: Content[] = [
  { type: 'text', text: 'note' },
  { type: 'image', data: 'aGk=', mimeType: 'image/png' },
  { type: 'audio', data: 'aGk=', mimeType: 'audio/wav' },
  { type: 'resource', uri: 'file:///a.txt', mimeType: 'text/plain', text: 'hi' },
  { type: 'resource', uri: 'file:///a.bin', blob: 'aGk=' },
  { type: 'resource_link', uri: 'file:///b', name: 'b', description: 'the b', mimeType: 'text/plain' },
];
/** As they are on the wire, where an embedded resource has an object of its own. */
const wire = (block: Content): Json => {
  if (block.type !== 'resource') return { ...block };
  const { type, ...resource } = block;
  return { type, resource };
};

test('a message with attachments of every kind becomes the first message', () => {
  const input: JsonObject = { message: 'read', attachments: blocks.map(wire), conversation: 'c' };
  expect(schemaCheck(defaultInputSchema)(input)).toBeUndefined();
  expect(agentInput(input)).toEqual({ content: [text('read'), ...blocks], conversation: 'c' });
  expect(schemaFault(defaultInputSchema)).toBeUndefined();
});

test('an agent with a schema of its own gets its arguments as JSON, attachments beside them', () => {
  const { content } = agentInput({ city: 'Rome', days: 3, attachments: blocks.slice(0, 1).map(wire) });
  expect(content).toHaveLength(2);
  expect(JSON.parse(textOf(content.slice(0, 1)))).toEqual({ city: 'Rome', days: 3 });
});

test('attachments that are no list are an argument like any other', () => {
  expect(JSON.parse(textOf(agentInput({ attachments: 'two' }).content))).toEqual({ attachments: 'two' });
  expect(JSON.parse(textOf(agentInput({ message: 'm', attachments: 'two' }).content))).toEqual({
    message: 'm',
    attachments: 'two',
  });
});

test('odd input never throws, and none of it is lost', () => {
  const odd = fc.dictionary(
    fc.constantFrom('message', 'conversation', 'attachments', 'city', '__proto__'),
    fc.jsonValue(),
  );
  fc.assert(
    fc.property(odd, (input) => {
      const { content } = agentInput(input as JsonObject);
      expect(content[0]?.type).toBe('text');
      const list = input['attachments'];
      expect(content).toHaveLength(Array.isArray(list) ? 1 + list.length : 1);
      if (Array.isArray(list))
        for (const [index, block] of list.entries())
          if (typeof block !== 'object') expect(content[index + 1]).toEqual(text(JSON.stringify(block)));
    }),
  );
});

const KiB = 1024;
const outcome = (content: Content[]) => ({ content, isError: false });
const sizeOf = (content: readonly Content[]): number => JSON.stringify(content).length;

test('a small result stays as it is, block for block', () => {
  expect(fitted(outcome(blocks)).content).toEqual(blocks);
});

test('text is cut to 256 KiB in all, and the cut is told', () => {
  const { content } = fitted(outcome([text('a'.repeat(200 * KiB)), text('b'.repeat(100 * KiB)), text('c')]));
  expect(content[0]).toEqual(text('a'.repeat(200 * KiB)));
  expect(textOf(content.slice(1, 2))).toBe(
    `${'b'.repeat(56 * KiB)}\n[cut: ${44 * KiB} of ${100 * KiB} characters left out]`,
  );
  expect(content.slice(2)).toEqual([text('[1 more parts left out: the result is too long]')]);
});

test('a cut never leaves half a character', () => {
  const { content } = fitted(outcome([text(`x${'🦊'.repeat(200 * KiB)}`)]));
  expect(textOf(content).isWellFormed()).toBe(true);
});

test('binary data has 8 MiB in all; what is left out is told', () => {
  const image: Content = { type: 'image', data: 'A'.repeat(5 * KiB * KiB), mimeType: 'image/png' };
  const { content } = fitted(outcome([image, image]));
  expect(content[0]).toBe(image);
  expect(textOf(content)).toBe(`[image of ${5 * KiB * KiB} base64 characters left out: too large]`);
});

test('no number of parts makes a result larger than its bounds', () => {
  const link = (n: number): Content => ({ type: 'resource_link', uri: `file:///${n}`, name: 'n'.repeat(90) });
  const many = Array.from({ length: 100_000 }, (_, n) => link(n));
  expect(sizeOf(fitted(outcome(many)).content)).toBeLessThan(700 * KiB);
  expect(sizeOf(fitted(outcome([{ ...link(1), name: 'n'.repeat(10_000_000) } as Content])).content)).toBeLessThan(KiB);
});

test('structured content is what the model reads only where there is no other', () => {
  const structuredContent = { n: 1 };
  expect(fitted({ ...outcome([text('one')]), structuredContent })).toEqual(outcome([text('one')]));
  expect(fitted({ ...outcome([]), structuredContent })).toEqual(outcome([text('{"n":1}')]));
});
