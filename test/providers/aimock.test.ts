/** The three wires as somebody else wrote them: aimock follows the vendors' formats by its own reading of them. */
import { LLMock } from '@copilotkit/aimock';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Message, ModelRequest } from '../../src/agent/model.ts';
import { createModel } from '../../src/providers/create-model.ts';
import { textOf } from '../../src/task/content.ts';
import { tools, user, withResults } from './messages.ts';

const mock = new LLMock({ port: 0 });
beforeAll(async () => {
  mock.on(
    { userMessage: 'add', sequenceIndex: 0 },
    {
      toolCalls: [1, 2, 3, 4].map((a) => ({ name: 'add', arguments: JSON.stringify({ a }) })),
      reasoning: 'Four of them',
    },
  );
  mock.on({ userMessage: 'add', sequenceIndex: 1 }, { toolCalls: [{ name: 'now', arguments: '{}' }] });
  mock.on({ userMessage: 'add', sequenceIndex: 2 }, { content: 'All are added.' });
  await mock.start();
});
beforeEach(() => void mock.resetMatchCounts());
afterAll(() => mock.stop());

describe.each([
  ['anthropic', 'claude-opus-5', ''],
  ['openai', 'gpt-4.1', '/v1'],
  ['openai-chat', 'gpt-4.1', '/v1'],
] as const)('aimock as %s', (provider, model, base) => {
  it.each([
    ['whole', undefined],
    ['streamed', (): void => {}],
  ])('holds three turns, %s', async (_, onDelta) => {
    const asked = createModel(
      { provider, model, baseUrl: `${mock.url}${base}`, apiKey: 'key', fallback: [] },
      { retries: { tries: 1 } },
    );
    const request = (messages: Message[]): ModelRequest => ({
      system: 'S',
      messages,
      tools,
      signal: new AbortController().signal,
      ...(onDelta && { onDelta }),
    });
    const messages: Message[] = [user('add')];
    const calls: number[] = [];
    for (let turn = 0; turn < 2; turn++) {
      const { message, stop } = await asked.generate(request(messages));
      expect(stop).toBe('tool_calls');
      calls.push(message.content.filter(({ type }) => type === 'tool_call').length);
      messages.push(
        message,
        withResults(message, () => 'done'),
      );
    }
    const { message, stop } = await asked.generate(request(messages));
    expect([calls, textOf(message.content), stop]).toEqual([[4, 1], 'All are added.', 'end']);
  });

  it('tells a one-shot overload, and answers when it is over', async () => {
    mock.nextRequestError(529, { message: 'Overloaded', type: 'overloaded_error' });
    const waits: number[] = [];
    const asked = createModel(
      { provider, model, baseUrl: `${mock.url}${base}`, apiKey: 'key', fallback: [] },
      { retries: { sleep: async (ms) => void waits.push(ms), random: () => 1 } },
    );
    const signal = new AbortController().signal;
    const { stop } = await asked.generate({ system: 'S', messages: [user('add')], tools, signal });
    expect([stop, waits]).toEqual(['tool_calls', [500]]);
  });
});
