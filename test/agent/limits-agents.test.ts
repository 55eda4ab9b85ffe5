/** How many agents may run below one is counted as its tokens are: shared beforehand, settled afterwards. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { agentTool } from '../../src/agent/agent-tool.ts';
import type { Agent } from '../../src/agent/agent.ts';
import type { Allowance } from '../../src/agent/limits.ts';
import { runAgent } from '../../src/agent/loop.ts';
import type { Model, ModelReply } from '../../src/agent/model.ts';
import type { InputResponse } from '../../src/task/question.ts';
import { textOf } from '../../src/task/content.ts';
import { asks, calls, fakeAgent, fakeModel, modelByTurn, rehearsal, says } from './fakes.ts';
import { begun, told } from './supervised.ts';

const spec = { name: 'below', description: '', inputSchema: {}, check: () => undefined };

/** Agents of one kind, each of which calls `width` of the next kind in every turn. */
function tree(
  depth: number,
  width: number,
  turns: number,
  ran: { agents: number },
  given = (allowance: Allowance): Allowance => allowance,
): Agent {
  const model: Model = {
    id: 'fake/model',
    generate: async ({ messages }) => {
      const turn = messages.filter(({ role }) => role === 'assistant').length;
      if (turn >= turns || depth === 0) return says('done');
      return calls(Array.from({ length: width }, (_, n) => ['below', { message: `${turn} ${n}` }]));
    },
  };
  const below = agentTool(() => tree(depth - 1, width, turns, ran, given), spec);
  const run: typeof below.run = (args, context, left) => {
    ran.agents += 1;
    return below.run(args, context, given(left));
  };
  return fakeAgent({ name: `level${depth}`, model, agents: depth === 0 ? [] : [{ ...below, run }] });
}

const shapes = fc.record({
  depth: fc.integer({ min: 1, max: 3 }),
  width: fc.integer({ min: 1, max: 4 }),
  turns: fc.integer({ min: 1, max: 3 }),
  most: fc.integer({ min: 0, max: 40 }),
});

test('however a tree of agents grows, no more of them run than its root may have, and it tells how many did', async () => {
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(shapes, async ({ depth, width, turns, most }) => {
      const ran = { agents: 0 };
      const root = tree(depth, width, turns, ran);
      const { context, records } = rehearsal();
      const result = await runAgent({ ...root, limits: { ...root.limits, agents: most } }, asks('go'), context);
      expect(ran.agents).toBeLessThanOrEqual(most);
      expect(result.agents ?? 0).toBe(ran.agents);
      expect(result.stop).toBe('answer');
      refused += JSON.stringify(records).includes('(limits.agents)') ? 1 : 0;
    }),
    { numRuns: 60 },
  );
  expect(refused).toBeGreaterThan(10);
});

test('the control: where each agent has all of it, the same trees overstep it by far', async () => {
  const ran = { agents: 0 };
  const root = tree(3, 3, 2, ran, (allowance) => ({ ...allowance, agents: 40 }));
  await runAgent({ ...root, limits: { ...root.limits, agents: 40 } }, asks('go'), rehearsal().context);
  expect(ran.agents).toBeGreaterThan(80);
});

const leaf = agentTool(
  () => fakeAgent({ name: 'leaf', model: fakeModel(Array.from({ length: 9 }, () => says('did'))) }),
  spec,
);
const fan = (turn: number, width: number): ModelReply =>
  calls(Array.from({ length: width }, (_, n) => ['below', { message: `${turn} ${n}` }]));
const goOn: InputResponse = { action: 'accept', content: { decision: 'continue' } };

function root(replies: readonly ModelReply[], limits: Partial<Agent['limits']>, left?: Partial<Allowance>) {
  const asked: string[] = [];
  const agent = fakeAgent({ name: 'root', model: fakeModel(replies), agents: [leaf], limits });
  const messages = asks('go');
  const rehearsed = rehearsal([], Infinity, undefined, (_, request) => {
    asked.push('message' in request ? request.message : '');
    return goOn;
  });
  const allowance = left && {
    depth: 3,
    agents: 9,
    above: [],
    chain: [],
    callers: [],
    grants: new Set<string>(),
    ...left,
  };
  const told = (): string[] =>
    messages.flatMap(({ role, content }) =>
      role === 'user' ? content.flatMap((block) => (block.type === 'tool_result' ? [textOf(block.content)] : [])) : [],
    );
  return { asked, told, run: () => runAgent(agent, messages, rehearsed.context, allowance) };
}

describe('the calls that find none left', () => {
  test('are refused one by one, in words that the model reads, and the agent goes on', async () => {
    const { run, told } = root([fan(1, 3), fan(2, 1), says('done')], { agents: 2 });
    expect(await run()).toMatchObject({ stop: 'answer', agents: 2 });
    const refusal = 'Not run: no more agents may run below you than 2, and each of them is taken (limits.agents).';
    expect(told()).toEqual(['did', 'did', refusal, refusal]);
  });

  test('an agent whose caller left it none beside itself may run, and calls none', async () => {
    const { run, told } = root([fan(1, 1), says('done')], {}, { agents: 1 });
    const result = await run();
    expect(result.stop).toBe('answer');
    expect(result.agents).toBeUndefined();
    expect(told()).toEqual(['Not run: no agents may run below you (limits.agents).']);
  });

  test('with on_limit: ask a person lets as many more run', async () => {
    const { run, told, asked } = root([fan(1, 3), says('done')], { agents: 2, onLimit: 'ask' });
    expect(await run()).toMatchObject({ stop: 'answer', agents: 3 });
    expect(told()).toEqual(['did', 'did', 'did']);
    expect(asked).toEqual([
      expect.stringMatching(
        /^root has come to a limit: it asks for more than the 2 agents that may run below it\.\n[^]*2 more agents/,
      ),
    ]);
  });

  test('nobody is asked about those that would be too deep anyway', async () => {
    const { run, asked, told } = root([fan(1, 3), says('done')], { agents: 2, onLimit: 'ask', depth: 0 });
    expect(await run()).toMatchObject({ stop: 'answer' });
    expect(asked).toEqual([]);
    expect(told()).toEqual(Array(3).fill(expect.stringContaining('(limits.depth)')));
  });

  test('nobody is asked for more than the caller left', async () => {
    const { run, asked } = root([fan(1, 4), says('done')], { agents: 2, onLimit: 'ask' }, { agents: 3 });
    expect(await run()).toMatchObject({ stop: 'answer', agents: 2 });
    expect(asked).toEqual([]);
  });
});

test('nobody is asked about the call of an agent that may not run', async () => {
  const child = fakeAgent({ name: 'child', model: modelByTurn([says('never')]) });
  const agent = fakeAgent({
    model: modelByTurn([calls([['below', { message: 'x' }]]), says('done')]),
    agents: [agentTool(() => child, spec)],
    policy: { version: 'ask', judge: () => ({ decision: 'ask', rule: 'test: ask all' }) },
    limits: { depth: 0 },
  });
  const world = await begun(agent);
  expect([...world.questions.keys()]).toEqual([]);
  expect(told(world)).toContain('limits.depth');
  expect(world.result).toMatchObject({ stop: 'answer' });
});
