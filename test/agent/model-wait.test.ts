/** A model, or a server, that cannot be had: the task waits and asks again; what was paid for is not thrown away. */
import { describe, expect, test } from 'vitest';
import { agentTool } from '../../src/agent/agent-tool.ts';
import { runAgent } from '../../src/agent/loop.ts';
import { ModelError } from '../../src/agent/model.ts';
import { UnavailableError } from '../../src/errors.ts';
import { textOf } from '../../src/task/content.ts';
import { asks, calls, fakeAgent, fakeModel, fakeTool, rehearsal, says, usage } from './fakes.ts';

const busy = new ModelError('unavailable', 'fake/model: 529 overloaded');
const minute = 60_000;

async function run(model: ReturnType<typeof fakeModel>, parts = {}, rehearsed = rehearsal()) {
  const agent = fakeAgent({ model, tools: [fakeTool('t')], ...parts });
  const messages = asks('go');
  const result = await runAgent(agent, messages, rehearsed.context);
  return {
    ...rehearsed,
    result,
    messages,
    said: textOf(result.content),
    keys: rehearsed.records.map(({ key }) => key),
  };
}

describe('a model that is not available', () => {
  test('is asked again after a wait, as another step, with the same question', async () => {
    const model = fakeModel([calls([['t']]), busy, busy, says('there')]);
    const { result, keys, sleeps } = await run(model);
    expect(result).toMatchObject({ stop: 'answer', content: [{ text: 'there' }] });
    expect(keys).toEqual([
      'turn 1: model',
      'turn 1: call 1/call',
      'turn 2: model',
      'turn 2: model 2',
      'turn 2: model 3',
    ]);
    expect(sleeps.map(({ key, ms }) => [key, ms])).toEqual([
      ['turn 2: wait 1', minute / 2],
      ['turn 2: wait 2', minute],
    ]);
    expect(model.asked[3]?.messages).toEqual(model.asked[1]?.messages);
  });

  test('the wait says why, and how to end it', async () => {
    const { sleeps } = await run(fakeModel([busy, says('there')]));
    expect(sleeps[0]?.why).toBe(
      'agent waits 30 s and asks again: fake/model: 529 overloaded ' +
        'Now: deputy tasks retry t. Not at all: deputy tasks cancel t.',
    );
  });

  test('waits grow to 15 minutes and last a day in all; then the task ends as before', async () => {
    const model = fakeModel(Array.from({ length: 200 }, () => busy));
    const { result, said, sleeps } = await run(model);
    const waits = sleeps.map(({ ms }) => ms);
    expect(waits.slice(0, 7)).toEqual([0.5, 1, 2, 4, 8, 15, 15].map((minutes) => minutes * minute));
    expect(Math.max(...waits)).toBe(15 * minute);
    expect(waits.reduce((sum, ms) => sum + ms, 0)).toBe(24 * 60 * minute);
    expect(result).toMatchObject({ isError: true, stop: 'model_unavailable' });
    expect(said).toContain('529 overloaded');
  });

  test("the provider's own wish is honoured, also beyond 15 minutes, but not beyond the day", async () => {
    const wishes = (ms: number): ModelError => new ModelError('unavailable', 'later', { retryAfterMs: ms });
    const { sleeps } = await run(fakeModel([wishes(40 * minute), wishes(1), wishes(1e12), says('there')]));
    expect(sleeps.map(({ ms }) => ms)).toEqual([40 * minute, minute, 24 * 60 * minute - 41 * minute]);
    expect(sleeps[0]?.why).toContain('waits 40 min');
  });

  test.each([
    ['auth', 'ANTHROPIC_API_KEY is missing'],
    ['rejected', 'no such model'],
  ] as const)('one that stays wrong (%s) is not waited for', async (kind, words) => {
    const { result, said, sleeps } = await run(fakeModel([new ModelError(kind, words)]));
    expect(result.stop).toBe('model_unavailable');
    expect(said).toBe(words);
    expect(sleeps).toEqual([]);
  });

  test('what a failed try has cost counts, where the provider told it', async () => {
    const cut = new ModelError('unavailable', 'cut', { usage: usage(1_000, 1) });
    const { result } = await run(fakeModel([cut, says('there')]));
    expect(result.usage).toMatchObject({ inputTokens: 1_010, outputTokens: 6, cost: 0.02 });
  });

  test('a summary waits as well, under names of its own', async () => {
    const big = calls([['t']], { usage: usage(850, 10) });
    const model = fakeModel([big, busy, says('SUMMARY'), busy, says('done')], 1_000);
    const { result, keys, sleeps } = await run(model);
    expect(result.stop).toBe('answer');
    expect(keys.slice(2)).toEqual(['turn 2: compact', 'turn 2: compact 2', 'turn 2: model', 'turn 2: model 2']);
    expect(sleeps.map(({ key }) => key)).toEqual(['turn 2: compact wait 1', 'turn 2: wait 1']);
  });

  test('a nested agent waits in its own branch', async () => {
    const child = fakeAgent({ name: 'child', model: fakeModel([busy, says('below')]) });
    const spec = { name: 'child', description: '', inputSchema: {}, check: () => undefined };
    const model = fakeModel([calls([['child', { message: 'x' }]]), says('up')]);
    const { result, sleeps } = await run(model, { agents: [agentTool(() => child, spec)] });
    expect(result.stop).toBe('answer');
    expect(sleeps.map(({ key }) => key)).toEqual(['turn 1: call 1/turn 1: wait 1']);
  });
});

describe('a server that the agent needs', () => {
  const withServer = (failing: readonly number[]) => {
    let listed = 0;
    const parts = fakeAgent({ tools: [fakeTool('t')] });
    const tools = (signal: AbortSignal) => {
      listed += 1;
      return failing.includes(listed) ? Promise.reject(new UnavailableError('files is down')) : parts.tools(signal);
    };
    return { tools };
  };

  test('that was never there ends the task: nothing is lost yet', async () => {
    const agent = { ...fakeAgent({ model: fakeModel([]) }), ...withServer([1]) };
    const { context, sleeps } = rehearsal();
    expect(await runAgent(agent, asks('go'), context)).toMatchObject({ isError: true, stop: 'server_unavailable' });
    expect(sleeps).toEqual([]);
  });

  test('that went away later is waited for: the turns so far are paid for', async () => {
    const model = fakeModel([calls([['t']]), says('done')]);
    const agent = { ...fakeAgent({ model }), ...withServer([3, 4]) };
    const { context, sleeps } = rehearsal();
    expect(await runAgent(agent, asks('go'), context)).toMatchObject({ stop: 'answer' });
    expect(sleeps.map(({ key }) => key)).toEqual(['turn 2: wait 1', 'turn 2: wait 2']);
    expect(sleeps[0]?.why).toContain('files is down');
  });
});
