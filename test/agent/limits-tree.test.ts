/** Budgets form a tree: what is below gets what is left, and oversteps it by a question to a model, never by more. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { agentTool } from '../../src/agent/agent-tool.ts';
import type { Agent } from '../../src/agent/agent.ts';
import type { Allowance, Limits } from '../../src/agent/limits.ts';
import { runAgent } from '../../src/agent/loop.ts';
import type { Model } from '../../src/agent/model.ts';
import type { InputResponse } from '../../src/task/question.ts';
import { asks, calls, fakeAgent, rehearsal, says, usage } from './fakes.ts';

/** Tokens of one question and its reply. */
const price = 15;

/** Agents of one kind, each of which calls `width` of the next kind in every turn, and is told of no limit but its own. */
function tree(
  depth: number,
  width: number,
  turns: number,
  limits: Partial<Limits>,
  asked: { times: number },
  given = (allowance: Allowance): Allowance => allowance,
): Agent {
  let said = 0;
  const model: Model = {
    id: 'fake/model',
    generate: async ({ messages }) => {
      asked.times += 1;
      if (messages.filter(({ role }) => role === 'assistant').length >= turns)
        return says('done', { usage: usage(10, 5) });
      said += 1;
      const below = depth === 0 ? 'nothing' : 'below';
      return calls(Array.from({ length: width }, (_, n) => [below, { message: `${said} ${n}` }]));
    },
  };
  const spec = { name: 'below', description: '', inputSchema: {}, check: () => undefined };
  const agents =
    depth === 0 ? [] : [agentTool(() => tree(depth - 1, width, turns, { onLimit: 'ask' }, asked, given), spec)];
  const shared = agents.map((tool) => ({
    ...tool,
    run: (...[args, context, left]: Parameters<typeof tool.run>) => tool.run(args, context, given(left)),
  }));
  return fakeAgent({ name: `level${depth}`, model, agents: shared, limits });
}

const shapes = fc.record({
  depth: fc.integer({ min: 0, max: 3 }),
  width: fc.integer({ min: 1, max: 3 }),
  turns: fc.integer({ min: 1, max: 4 }),
  limit: fc.integer({ min: 1, max: 40 }),
});
const goOn: InputResponse = { action: 'accept', content: { decision: 'continue' } };

test.each(['tokens', 'cost'] as const)(
  '%s: a tree of agents oversteps by at most one question a slot',
  async (kind) => {
    let limited = 0;
    await fc.assert(
      fc.asyncProperty(shapes, async ({ depth, width, turns, limit }) => {
        const asked = { times: 0 };
        const bound = limit * 10;
        const limits = kind === 'tokens' ? { tokens: bound } : { cost: (bound / price) * 0.01 };
        const agent = tree(depth, width, turns, limits, asked);
        const { context } = rehearsal([], Infinity, undefined, () => goOn);
        const { usage: used, stop } = await runAgent(agent, asks('go'), context);
        const tokens = used.inputTokens + used.outputTokens;
        limited += stop === 'limit' ? 1 : 0;
        // Nothing is spent that is not told.
        expect(tokens).toBe(asked.times * price);
        expect(tokens).toBeLessThan(bound + width ** depth * price + 1e-6);
      }),
      { numRuns: 60 },
    );
    expect(limited).toBeGreaterThan(10);
  },
);

test('the control: where each agent has the whole budget, the same trees overstep it by far', async () => {
  const asked = { times: 0 };
  const agent = tree(2, 3, 2, { tokens: 100 }, asked, (allowance) => ({ ...allowance, tokens: 100 }));
  await runAgent(agent, asks('go'), rehearsal([], Infinity, undefined, () => goOn).context);
  expect(asked.times * price).toBeGreaterThan(100 + 3 ** 2 * price);
});
