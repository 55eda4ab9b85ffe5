import { expect, test } from 'vitest';
import { runAgent } from '../../src/agent/loop.ts';
import { ModelError } from '../../src/agent/model.ts';
import { text, textOf } from '../../src/task/content.ts';
import { asks, calls, fakeAgent, fakeModel, fakeTool, ok, rehearsal, says, usage } from './fakes.ts';

const words = 'Translate exactly THIS, and keep <tags/>.';
const big = calls([['t']], { usage: usage(850, 10) });
const tooLong = new ModelError('context_length', 'prompt is too long');

async function run(model: ReturnType<typeof fakeModel>, parts = {}, messages = asks(words)) {
  const agent = fakeAgent({ model, tools: [fakeTool('t', async () => ok('x'.repeat(9_000)))], ...parts });
  const rehearsed = rehearsal();
  const result = await runAgent(agent, messages, rehearsed.context);
  return { ...rehearsed, result, messages, keys: rehearsed.records.map(({ key }) => key) };
}

test('a window that is nearly full is replaced by a summary; the request stays word for word', async () => {
  const model = fakeModel([big, says('SUMMARY', { usage: usage(100, 50) }), says('done')], 1_000);
  const { result, messages, keys, events } = await run(model);
  expect(keys).toEqual(['turn 1: model', 'turn 1: call 1/call', 'turn 2: compact', 'turn 2: model']);
  expect(messages).toMatchObject([
    { role: 'user', content: [text(words), text('Summary of the work so far:\n\nSUMMARY')] },
    { role: 'assistant', content: [text('done')] },
  ]);
  expect(result.usage.inputTokens).toBe(850 + 100 + 10);
  expect(events.filter(({ type }) => type === 'compacted')).toMatchObject([{ turn: 2, messages: 3 }]);
  const [, summed, after] = model.asked;
  expect(summed?.tools.map(({ name }) => name)).toEqual(['t']);
  expect(JSON.stringify(summed?.messages)).toContain('[excerpt of 9000 characters]');
  expect(after?.messages).toHaveLength(1);
});

test('a window that is not nearly full is left alone', async () => {
  const { keys } = await run(fakeModel([big, says('done')], 100_000));
  expect(keys).not.toContain('turn 2: compact');
});

test('a prompt that the model calls too long is compacted and asked again', async () => {
  const model = fakeModel([calls([['t']]), tooLong, says('SUMMARY'), says('done')]);
  const { result, keys } = await run(model);
  expect(result.stop).toBe('answer');
  expect(keys).toEqual(['turn 1: model', 'turn 1: call 1/call', 'turn 2: model', 'turn 2: compact', 'turn 3: model']);
});

test.each([
  ['there is nothing to leave out', [tooLong]],
  ['the summary is too long as well', [calls([['t']]), tooLong, tooLong]],
  ['the model says nothing', [calls([['t']]), tooLong, says(' ')]],
  ['the model refuses', [calls([['t']]), tooLong, says('no', { stop: 'refusal' })]],
])('where %s, the context is the limit', async (_, lines) => {
  const { result } = await run(fakeModel(lines));
  expect(result).toMatchObject({ isError: true, stop: 'limit', limit: 'context' });
});

test('a summary that failed is not tried twice in one turn', async () => {
  const { result, keys } = await run(fakeModel([big, tooLong, tooLong], 1_000));
  expect(result).toMatchObject({ stop: 'limit', limit: 'context' });
  expect(keys).toEqual(['turn 1: model', 'turn 1: call 1/call', 'turn 2: compact', 'turn 2: model']);
});

test('a second summary replaces the first, and an amendment is not taken for the request', async () => {
  const output = { schema: {}, check: () => undefined };
  const wrong = says('not json', { usage: usage(850, 10) });
  const model = fakeModel([big, says('FIRST'), wrong, says('SECOND'), says('{"a":1}')], 1_000);
  const { messages, result } = await run(model, { output });
  expect(result.structuredContent).toEqual({ a: 1 });
  expect(messages[0]?.content).toEqual([text(words), text('Summary of the work so far:\n\nSECOND')]);
});

test('what an earlier conversation brings is measured before the first question', async () => {
  const before = [...asks('x'.repeat(9_000)), says('noted').message, ...asks(words)];
  const { keys, messages } = await run(fakeModel([says('SUMMARY'), says('done')], 1_000), {}, before);
  expect(keys).toEqual(['turn 1: compact', 'turn 1: model']);
  expect(textOf(messages[0]?.content ?? [])).toContain(words);
  expect(JSON.stringify(messages)).not.toContain('xxx');
});
