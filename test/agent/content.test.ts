import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { agentInput, defaultInputSchema } from '../../src/agent/agent-input.ts';
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
