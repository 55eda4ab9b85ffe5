/** What a model reads of a tool result: bounded, told where it is cut, and the whole within reach. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { agentTool } from '../../src/agent/agent-tool.ts';
import { runAgent } from '../../src/agent/loop.ts';
import { fitted } from '../../src/agent/result-size.ts';
import { readResult } from '../../src/agent/spill.ts';
import { type Content, text, textOf } from '../../src/task/content.ts';
import { asks, calls, fakeAgent, fakeModel, fakeTool, ok, rehearsal, says } from './fakes.ts';

const KiB = 1024;
const MiB = KiB * KiB;
const outcome = (content: Content[]) => ({ content, isError: false });

async function fittedTo(content: Content[], parts = {}) {
  const store = new Map<string, string>();
  const keep = async (whole: string): Promise<string> => {
    store.set(`r${store.size + 1}`, whole);
    return `r${store.size}`;
  };
  const result = await fitted({ ...outcome(content), ...parts }, keep);
  return { ...result, store };
}

test('a small result stays as it is, block for block, and nothing is kept', async () => {
  const blocks: Content[] = [
    text('note'),
    { type: 'image', data: 'aGk=', mimeType: 'image/png' },
    { type: 'resource', uri: 'file:///a.txt', mimeType: 'text/plain', text: 'hi' },
    { type: 'resource', uri: 'file:///a.bin', blob: 'aGk=' },
    { type: 'resource_link', uri: 'file:///b', name: 'b', description: 'the b', mimeType: 'text/plain' },
  ];
  const { content, kept, store } = await fittedTo(blocks);
  expect(content).toEqual(blocks);
  expect([kept, store.size]).toEqual([undefined, 0]);
  const limit = text('a'.repeat(256 * KiB));
  expect((await fittedTo([limit])).content).toEqual([limit]);
});

test('text over 256 KiB in all is kept whole; the model sees both ends, the size and the id', async () => {
  const parts = [text(`FIRST ${'a'.repeat(200 * KiB)}`), text(`${'b'.repeat(100 * KiB)} LAST`)];
  const { content, kept, store } = await fittedTo(parts);
  expect(kept).toBe('r1');
  expect(store.get('r1')).toBe(parts.map((part) => part.text).join('\n'));
  const shown = textOf(content);
  expect(shown.length).toBeLessThan(40 * KiB);
  expect(shown.startsWith('FIRST aaa')).toBe(true);
  expect(shown.endsWith('bbb LAST')).toBe(true);
  expect(shown).toContain(`has ${300 * KiB + 12} characters`);
  expect(shown).toContain('Read what is between with read_result, id "r1".');
});

test('files and links count as text, images stay beside what is shown', async () => {
  const image: Content = { type: 'image', data: 'aGk=', mimeType: 'image/png' };
  const link = (n: number): Content => ({ type: 'resource_link', uri: `file:///${n}`, name: 'n'.repeat(90) });
  const file: Content = { type: 'resource', uri: 'file:///a.txt', text: 'the file' };
  const { content, store } = await fittedTo([file, image, ...Array.from({ length: 10_000 }, (_, n) => link(n))]);
  expect(content.map(({ type }) => type)).toEqual(['text', 'image']);
  expect(store.get('r1')).toMatch(/^\[file:\/\/\/a\.txt\]\nthe file\n\[link n+: file:\/\/\/0\]\n/);
  expect(textOf(content)).toContain('the file');
});

test('over 32 MiB the rest is lost, and the model is told', async () => {
  const { content, store } = await fittedTo([text('x'.repeat(33 * MiB))]);
  expect(store.get('r1')).toHaveLength(32 * MiB);
  expect(textOf(content)).toContain(`What is beyond the first ${32 * MiB} is lost.`);
});

test('binary data has 8 MiB in all; what is left out is told, however many parts it has', async () => {
  const image = (size: number): Content => ({ type: 'image', data: 'A'.repeat(size), mimeType: 'image/png' });
  const big = image(5 * MiB);
  expect((await fittedTo([big, big, text('t')])).content).toEqual([
    big,
    text('t'),
    text('[1 images, sounds or files left out: too large]'),
  ]);
  const many = await fittedTo(Array.from({ length: 200_000 }, () => image(4)));
  expect(JSON.stringify(many.content).length).toBeLessThan(12 * MiB);
  expect(textOf(many.content)).toMatch(/^\[\d+ images, sounds or files left out/);
});

test('structured content is what the model reads only where there is no other', async () => {
  const structuredContent = { n: 1 };
  expect((await fittedTo([text('one')], { structuredContent })).content).toEqual([text('one')]);
  const { content, ...rest } = await fittedTo([], { structuredContent });
  expect(content).toEqual([text('{"n":1}')]);
  expect(rest).not.toHaveProperty('structuredContent');
});

test('page by page the model reads all of it, and never half a character', async () => {
  const part = fc.constantFrom('a', 'ß', '🦊', '\n', '한');
  await fc.assert(
    fc.asyncProperty(
      fc.array(part, { minLength: 1, maxLength: 60 }),
      fc.integer({ min: 2, max: 9 }),
      async (parts, length) => {
        const whole = parts.join('');
        const { context, artifacts } = rehearsal();
        artifacts.set('r1', whole);
        let read = '';
        for (let page = 0; read.length < whole.length; page += 1) {
          expect(page).toBeLessThanOrEqual(whole.length);
          const { content, isError } = await readResult({ id: 'r1', offset: read.length, length }, context);
          expect(isError).toBe(false);
          const [head = '', ...rest] = textOf(content).split('\n');
          expect(head).toMatch(
            new RegExp(
              `^\\[${read.length} to \\d+ of ${whole.length} characters; (the next page is at offset \\d+|this is the end)\\]$`,
            ),
          );
          const shown = rest.join('\n');
          expect(shown.isWellFormed()).toBe(true);
          expect(shown.length).toBeGreaterThan(0);
          read += shown;
        }
        expect(read).toBe(whole);
      },
    ),
    { numRuns: 200 },
  );
});

test.each([
  ['no id', {}, /id must be a text/],
  ['no object', 'r1', /id must be a text/],
  ['an unknown id', { id: 'nope' }, /No result of this task has the id "nope"/],
  ['a negative offset', { id: 'r1', offset: -1 }, /offset must be a whole number/],
  ['half an offset', { id: 'r1', offset: 0.5 }, /offset must be a whole number/],
  ['too much at once', { id: 'r1', length: 1e9 }, /length must be a whole number from 1 to 100000/],
  ['a place beyond the end', { id: 'r1', offset: 3 }, /beyond the end: the result has 3 characters/],
])('%s is told to the model', async (_, args, words) => {
  const { context, artifacts } = rehearsal();
  artifacts.set('r1', 'abc');
  const { content, isError } = await readResult(args, context);
  expect(isError).toBe(true);
  expect(textOf(content)).toMatch(words);
});

test('the model has read_result from the first result on that was too long, and reads on with it', async () => {
  const whole = `${'x'.repeat(150_000)}NEEDLE${'y'.repeat(200_000)}`;
  const model = fakeModel([
    calls([['t']]),
    ({ messages }) => {
      const id = /id "([^"]+)"/.exec(JSON.stringify(messages).replaceAll('\\"', '"'))?.[1];
      return calls([['read_result', { id: id ?? '', offset: 149_990, length: 30 }]]);
    },
    says('found'),
  ]);
  const rehearsed = rehearsal();
  const messages = asks('go');
  const agent = fakeAgent({ model, tools: [fakeTool('t', async () => ok(whole))] });
  const result = await runAgent(agent, messages, rehearsed.context);
  expect(result.stop).toBe('answer');
  expect(model.asked.map(({ tools }) => tools.map(({ name }) => name))).toEqual([
    ['t'],
    ['read_result', 't'],
    ['read_result', 't'],
  ]);
  expect(model.asked[2]?.tools).toBe(model.asked[1]?.tools);
  expect(JSON.stringify(messages[4])).toContain('xxxxxxxxxxNEEDLEyyyy');
  expect([...rehearsed.artifacts.values()]).toEqual([whole]);

  // It is offered again after a crash, from the records alone.
  const again = fakeModel([says('again')]);
  const second = rehearsal(rehearsed.records.filter(({ key }) => !key.startsWith('turn 3')));
  await runAgent({ ...agent, model: again }, asks('go'), second.context);
  expect(again.asked[0]?.tools.map(({ name }) => name)).toEqual(['read_result', 't']);
});

test('a nested agent may answer at length: its caller reads on in its words', async () => {
  const child = fakeAgent({ name: 'child', model: fakeModel([says(`${'x'.repeat(300_000)}END`)]) });
  const spec = { name: 'child', description: '', inputSchema: {}, check: () => undefined };
  const model = fakeModel([
    calls([['child', { message: 'tell' }]]),
    calls([['read_result', { id: 'turn 1: call 1/call', offset: 299_990 }]]),
    says('read'),
  ]);
  const messages = asks('go');
  const agent = fakeAgent({ model, agents: [agentTool(() => child, spec)] });
  await runAgent(agent, messages, rehearsal().context);
  expect(JSON.stringify(messages[2]).length).toBeLessThan(50_000);
  expect(JSON.stringify(messages[4])).toContain(
    '299990 to 300003 of 300003 characters; this is the end]\\nxxxxxxxxxxEND',
  );
});

test('without a result that was too long there is no such tool', async () => {
  const model = fakeModel([calls([['read_result', { id: 'x' }]]), says('ok')]);
  const messages = asks('go');
  await runAgent(fakeAgent({ model, tools: [fakeTool('t')] }), messages, rehearsal().context);
  expect(JSON.stringify(messages[2])).toContain('There is no tool');
});
