/** An agent of another Deputy works with what its caller leaves to it, and what it used is its caller's. */
import * as fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import type { Agent } from '../../src/agent/agent.ts';
import { agentTool } from '../../src/agent/agent-tool.ts';
import { workTime } from '../../src/agent/limits.ts';
import { runAgent } from '../../src/agent/loop.ts';
import { allowanceFrom } from '../../src/agent/mandate.ts';
import type { Model } from '../../src/agent/model.ts';
import type { Carried, Policy } from '../../src/agent/policy.ts';
import type { EffectTool, ToolCallOptions, ToolOutcome } from '../../src/agent/tool.ts';
import { noUsage } from '../../src/task/usage.ts';
import type { InputRequest, InputResponse } from '../../src/task/question.ts';
import type { Mandate } from '../../src/task/mandate.ts';
import {
  allowAll,
  asks,
  calls,
  fakeAgent,
  fakeModel,
  fakeTool,
  modelByTurn,
  ok,
  rehearsal,
  says,
  usage,
} from './fakes.ts';
import { accept, answered, at, begun, tool } from './supervised.ts';
import { World } from './world.ts';

const policyOf = ({ deny, ask }: Carried): Policy => ({
  version: JSON.stringify([deny, ask]),
  judge({ tool: used }) {
    const isMeant = (pattern: string): boolean => used.endsWith(pattern.slice(1));
    if (deny.some(isMeant)) return { decision: 'deny', rule: 'caller: deny' };
    return ask.some(isMeant) ? { decision: 'ask', rule: 'caller: ask' } : undefined;
  },
});

/** The agent of the Deputy that we call `lab`. */
const remote = (name: string, call: (options: ToolCallOptions) => Promise<ToolOutcome>): EffectTool => ({
  ...fakeTool(name, async (args, options) => {
    await options.commit(JSON.stringify(args), 'keyed');
    return call(options);
  }),
  id: `lab/${name}`,
  effect: 'keyed',
  isAgent: true,
});

/** As it works in its own Deputy, in memory: another task, with what came in `_meta`. */
async function inItsDeputy(agent: Agent, { mandate }: ToolCallOptions): Promise<ToolOutcome> {
  if (mandate === undefined) throw new Error('no mandate came');
  const { context } = rehearsal();
  const came = JSON.parse(JSON.stringify(mandate())) as Mandate;
  const {
    content,
    isError,
    usage: used,
    agents,
  } = await runAgent(agent, asks('go'), context, allowanceFrom(came, policyOf, workTime(context)));
  return { content, isError: isError === true, usage: used, agents: 1 + (agents ?? 0) };
}

const mandateIn = ({ mandate }: ToolCallOptions): Mandate => {
  if (mandate === undefined) throw new Error('no mandate came');
  return mandate();
};

const caller = (parts: Omit<Parameters<typeof fakeAgent>[0], 'model'> & { model?: Model }): Agent =>
  fakeAgent({ name: 'root', policy: allowAll, ...parts });

describe('a call of it', () => {
  test('carries who called, what is left now of each limit, the rules that hold everywhere, and a trace', async () => {
    const came: ToolCallOptions[] = [];
    const mandates: Mandate[] = [];
    const triage = remote('triage', async (options) => {
      came.push(options);
      mandates.push(mandateIn(options));
      return { ...ok('did'), usage: usage(20, 10, 0.1), agents: 3 };
    });
    const policy = { ...allowAll, carried: { deny: ['*/drop'], ask: ['*/write'] } };
    const model = modelByTurn([
      calls([
        ['triage', { n: 1 }],
        ['triage', { n: 2 }],
      ]),
      calls([['triage', { n: 3 }]]),
      says('done'),
    ]);
    const agent = caller({
      policy,
      model,
      tools: [triage],
      limits: { tokens: 1_000, cost: 1, time: 60_000, agents: 21, depth: 4 },
    });
    const { context } = rehearsal([], Infinity, () => 0);
    const mandate: Mandate = {
      chain: [{ agent: 'boss', deputy: 'x' }],
      depth: 3,
      agents: 100,
      deny: [],
      ask: ['*/pay'],
    };
    vi.useFakeTimers({ now: 0, toFake: ['Date'] });
    let result;
    try {
      result = await runAgent(agent, asks('go'), context, allowanceFrom(mandate, policyOf, 0));
    } finally {
      vi.useRealTimers();
    }
    expect(result).toMatchObject({ stop: 'answer', agents: 9, usage: { inputTokens: 90, outputTokens: 45 } });
    const same = {
      chain: [...mandate.chain, { agent: 'root' }],
      depth: 2,
      time: 60_000,
      deny: ['*/drop'],
      ask: ['*/pay', '*/write'],
    };
    expect(mandates).toEqual([
      { ...same, agents: 11, tokens: 492, cost: 0.495 },
      { ...same, agents: 10, tokens: 492, cost: 0.495 },
      { ...same, agents: 15, tokens: 910, cost: expect.closeTo(0.78) as unknown },
    ]);
    expect(new Set(came.map(({ trace }) => trace)).size).toBe(3);
    for (const { trace } of came) expect(trace).toMatch(/^00-[\da-f]{32}-[\da-f]{16}-01$/);
  });

  test('a tool that is none gets a trace and no mandate', async () => {
    const came: ToolCallOptions[] = [];
    const plain = fakeTool('t', async (_, options) => {
      came.push(options);
      return ok('did');
    });
    await runAgent(
      caller({ model: fakeModel([calls([['t']]), says('done')]), tools: [plain] }),
      asks('go'),
      rehearsal().context,
    );
    expect(came).toHaveLength(1);
    expect(came[0]?.mandate).toBeUndefined();
    expect(came[0]?.trace).toBeDefined();
  });

  test.each<[string, Partial<Agent['limits']>, RegExp]>([
    ['too deep', { depth: 0 }, /may not be nested deeper than this \(limits\.depth\)/],
    ['too many', { agents: 0 }, /no agents may run below you \(limits\.agents\)/],
  ])('%s is not made', async (_, limits, words) => {
    const called = vi.fn<() => Promise<ToolOutcome>>();
    const model = fakeModel([calls([['triage']]), says('done')]);
    const { context, records } = rehearsal();
    const result = await runAgent(caller({ model, tools: [remote('triage', called)], limits }), asks('go'), context);
    expect(result).toMatchObject({ stop: 'answer' });
    expect(JSON.stringify(records)).toMatch(words);
    expect(called).not.toHaveBeenCalled();
  });

  test('with more denials than can be handed on is not made', async () => {
    const called = vi.fn<() => Promise<ToolOutcome>>();
    const deny = Array.from({ length: 101 }, (_, n) => `*/d${n}`);
    const model = fakeModel([calls([['triage']]), says('done')]);
    const { context, records } = rehearsal();
    const policy = { ...allowAll, carried: { deny, ask: [] } };
    await runAgent(caller({ model, policy, tools: [remote('triage', called)] }), asks('go'), context);
    expect(JSON.stringify(records)).toContain('101 rules that deny');
    expect(called).not.toHaveBeenCalled();
  });

  test('of what was a plain tool when the model asked for it is not made: nothing was left to it', async () => {
    const called = vi.fn<() => Promise<ToolOutcome>>();
    const { isAgent: _, ...plain } = remote('triage', called);
    let lists = 0;
    const agent = {
      ...caller({ model: fakeModel([calls([['triage']]), says('done')]) }),
      tools: () => Promise.resolve([(lists += 1) === 1 ? plain : remote('triage', called)]),
    };
    const { context, records } = rehearsal();
    await runAgent(agent, asks('go'), context);
    expect(JSON.stringify(records)).toContain('triage was no agent when you asked for it. Ask again.');
    expect(called).not.toHaveBeenCalled();
  });
});

test('a replay shares the budget as the first life did, whatever tools it finds', async () => {
  const mandates: Mandate[] = [];
  const triage = remote('triage', async (options) => {
    mandates.push(mandateIn(options));
    return { ...ok('did'), usage: usage(10, 0), agents: 1 };
  });
  const model = modelByTurn([
    calls([
      ['triage', { n: 1 }],
      ['triage', { n: 2 }],
      ['gone', {}],
    ]),
    says('done'),
  ]);
  const gone = remote('gone', async () => ok('never'));
  const agent = caller({ model, tools: [triage, gone], limits: { tokens: 900 } });
  const first = rehearsal([], 1);
  void runAgent(agent, asks('go'), first.context).catch(() => {});
  await vi.waitFor(() => expect(first.records).toHaveLength(1));
  expect(first.records[0]?.value).toMatchObject({ lends: [0, 1, 2] });
  mandates.length = 0;
  const second = rehearsal(first.records);
  await runAgent({ ...agent, tools: () => Promise.resolve([triage]) }, asks('go'), second.context);
  expect(mandates.map(({ tokens }) => tokens)).toEqual([295, 295]);
});

const shapes = fc.record({
  depth: fc.integer({ min: 1, max: 3 }),
  width: fc.integer({ min: 1, max: 3 }),
  turns: fc.integer({ min: 1, max: 3 }),
  tokens: fc.integer({ min: 1, max: 40 }),
  agents: fc.integer({ min: 0, max: 30 }),
});
/** Tokens of one question and its reply. */
const price = 15;

test('a tree over Deputies oversteps by at most a question a slot, has no more agents than its root may, and tells all', async () => {
  let limited = 0;
  await fc.assert(
    fc.asyncProperty(shapes, async ({ depth, width, turns, tokens, agents }) => {
      const seen = { questions: 0, agents: -1 };
      const level = (left: number): Agent => {
        seen.agents += 1;
        const model: Model = {
          id: 'fake/model',
          generate: async ({ messages }) => {
            seen.questions += 1;
            const turn = messages.filter(({ role }) => role === 'assistant').length;
            if (left === 0 || turn >= turns) return says('done', { usage: usage(10, 5) });
            return calls(Array.from({ length: width }, (_, n) => ['below', { n, turn }]));
          },
        };
        const below = remote('below', async (options) => inItsDeputy(level(left - 1), options));
        return caller({ name: `level${left}`, model, tools: left === 0 ? [] : [below] });
      };
      const root = level(depth);
      const result = await runAgent(
        { ...root, limits: { ...root.limits, tokens: tokens * 10, agents } },
        asks('go'),
        rehearsal().context,
      );
      const used = result.usage.inputTokens + result.usage.outputTokens;
      expect(used).toBe(seen.questions * price);
      expect(used).toBeLessThan(tokens * 10 + width ** depth * price);
      expect(result.agents ?? 0).toBe(seen.agents);
      expect(seen.agents).toBeLessThanOrEqual(agents);
      limited += result.stop === 'limit' ? 1 : 0;
    }),
    { numRuns: 60 },
  );
  expect(limited).toBeGreaterThan(10);
});

describe('rules of callers', () => {
  test.each(['deny', 'ask'] as const)(
    '%s, in the agents that the callee calls as well, and whatever those allow',
    async (decision) => {
      const made: string[] = [];
      const write = fakeTool('write', async (_, { commit }) => {
        await commit('{}', 'unsafe');
        made.push('write');
        return ok('did');
      });
      const inner = caller({ name: 'inner', model: fakeModel([calls([['write']]), says('done')]), tools: [write] });
      const deepest = remote('inner', (options) => inItsDeputy(inner, options));
      const callee = caller({ name: 'callee', model: fakeModel([calls([['inner']]), says('done')]), tools: [deepest] });
      const carried = { deny: [], ask: [], [decision]: ['*/write'] };
      const agent = caller({
        policy: { ...allowAll, carried },
        model: fakeModel([calls([['callee']]), says('done')]),
        tools: [remote('callee', (options) => inItsDeputy(callee, options))],
      });
      const { context } = rehearsal();
      const ran = runAgent(agent, asks('go'), context);
      // Nobody is there to answer: the question is the proof.
      if (decision === 'ask') await expect(ran).rejects.toThrow('nobody is there to answer');
      else expect(await ran).toMatchObject({ stop: 'answer' });
      expect(made).toEqual([]);
    },
  );
});

describe('what nobody hears of any more is taken to be all used', () => {
  const limits = { tokens: 100, cost: 1, agents: 9 };
  const once = modelByTurn([calls([['triage']]), says('done')]);
  const lost = { inputTokens: 85 + 10, outputTokens: 5, cost: 1 };

  test('where it was cut off at the deadline after it had left', async () => {
    vi.useFakeTimers({ now: 0 });
    try {
      const triage = remote('triage', ({ signal }) => {
        const cut = Promise.withResolvers<ToolOutcome>();
        signal.addEventListener('abort', () => cut.reject(new Error('cut off')));
        void vi.advanceTimersByTimeAsync(1_000);
        return cut.promise;
      });
      const agent = caller({ model: once, tools: [triage], limits: { ...limits, time: 500 } });
      const result = await runAgent(agent, asks('go'), rehearsal().context);
      expect(result).toMatchObject({ stop: 'limit', limit: 'time', agents: 9, usage: lost });
    } finally {
      vi.useRealTimers();
    }
  });

  const unknown = remote('triage', async () => ({ ...ok(''), isError: true, unknown: 'it went silent' }));
  const asked = at(1, 'unknown 1');

  test('where a person says that it happened', async () => {
    const world = await begun(caller({ model: once, tools: [unknown], limits }));
    await answered(world, asked, accept({ decision: 'happened', result: 'paid' }));
    expect(world.result).toMatchObject({
      stop: 'limit',
      limit: 'tokens',
      agents: 9,
      usage: { inputTokens: 95, cost: 1 },
    });
  });

  test('where its process died, and a person says that it happened', async () => {
    const world = new World();
    const triage = { ...tool('triage', []), isAgent: true } as const;
    const agent = caller({ model: once, tools: [triage], limits });
    world.begin(agent, 2);
    await world.rest();
    world.begin(agent);
    await world.rest();
    await answered(world, asked, accept({ decision: 'happened' }));
    expect(world.result).toMatchObject({ stop: 'limit', limit: 'tokens', agents: 9 });
  });

  test('but not where a person says that it did not happen, and has it run', async () => {
    let times = 0;
    const triage = remote('triage', async () =>
      (times += 1) === 1 ? { ...ok(''), unknown: 'silent' } : { ...ok('did'), usage: usage(1, 1, 0), agents: 1 },
    );
    const world = await begun(caller({ model: once, tools: [triage], limits }));
    await answered(world, asked, accept({ decision: 'run' }));
    expect(world.result).toMatchObject({ stop: 'answer', agents: 1, usage: { inputTokens: 21 } });
  });

  test('and one that left and told nothing of itself has run', async () => {
    const silent = remote('triage', async () => ({ ...ok('lost'), isError: true }));
    const world = await begun(caller({ model: once, tools: [silent], limits: { agents: 4 } }));
    expect(world.result).toMatchObject({ stop: 'answer', agents: 1 });
  });

  test('and no more agents than were let are believed to have run', async () => {
    const boasting = remote('triage', async () => ({ ...ok('did'), usage: noUsage, agents: 1e9 }));
    const world = await begun(caller({ model: once, tools: [boasting], limits: { agents: 4 } }));
    expect(world.result).toMatchObject({ stop: 'answer', agents: 4 });
  });
});

test('whom a person stopped stops all who called it, also where they are asked about the call first', async () => {
  const stopped = remote('triage', async () => ({ ...ok('stopped'), isError: true, stops: true, agents: 2 }));
  const policy: Policy = { version: 'ask', judge: () => ({ decision: 'ask', rule: 'test: ask all' }) };
  const child = caller({ name: 'child', model: modelByTurn([calls([['triage']])]), tools: [stopped], policy });
  const spec = { name: 'child', description: '', inputSchema: {}, check: () => undefined };
  const nested = agentTool(() => child, spec);
  const world = await begun(caller({ model: modelByTurn([calls([['child', { message: 'x' }]])]), agents: [nested] }));
  const [asked = ''] = world.questions.keys();
  await answered(world, asked, accept({ decision: 'approve' }));
  expect(world.result).toMatchObject({ stop: 'stopped', isError: true, agents: 3 });
});

test('while a person is waited for, no time that is left to it goes by', async () => {
  vi.useFakeTimers({ now: 1_000 });
  try {
    const left: (number | undefined)[] = [];
    let waited = 0;
    const person = Promise.withResolvers<InputResponse>();
    const question: InputRequest = { kind: 'form', message: 'q', schema: { type: 'object' }, chain: ['lab/triage'] };
    const triage = remote('triage', async (options) => {
      left.push(mandateIn(options).time);
      await vi.advanceTimersByTimeAsync(2_000);
      const answer = options.ask('q', question, options.signal);
      await vi.advanceTimersByTimeAsync(3_600_000);
      left.push(mandateIn(options).time);
      waited = 3_600_000;
      person.resolve(accept({}));
      await answer;
      await vi.advanceTimersByTimeAsync(1_000);
      left.push(mandateIn(options).time);
      return { ...ok('did'), usage: noUsage, agents: 1 };
    });
    const agent = caller({ model: fakeModel([calls([['triage']]), says('done')]), tools: [triage] });
    const rehearsed = rehearsal();
    const mandate: Mandate = { chain: [], depth: 3, agents: 9, time: 10_000, deny: [], ask: [] };
    const relaying = (context: typeof rehearsed.context): typeof rehearsed.context =>
      Object.create(context, {
        now: { get: () => context.now },
        waited: { get: () => waited },
        relay: { value: () => person.promise },
        branch: {
          value: (key: string, body: (branch: typeof context) => Promise<unknown>) =>
            context.branch(key, (branch) => body(relaying(branch))),
        },
      }) as typeof context;
    const result = await runAgent(
      agent,
      asks('go'),
      relaying(rehearsed.context),
      allowanceFrom(mandate, policyOf, 1_000),
    );
    expect(result).toMatchObject({ stop: 'answer' });
    expect(left).toEqual([10_000, 8_000, 7_000]);
  } finally {
    vi.useRealTimers();
  }
});

describe('when it wants a model to think for it', () => {
  const hello = { messages: [{ role: 'user', content: { type: 'text', text: 'hello' } }], maxTokens: 100 };
  const thinking = (times: number, heard: string[]): EffectTool =>
    remote('triage', async (options) => {
      for (let n = 0; n < times; n += 1)
        await options.sample(hello, options.signal).then(
          ({ content }) => heard.push(JSON.stringify(content)),
          (error: unknown) => heard.push(String(error)),
        );
      return { ...ok('did'), usage: noUsage, agents: 1 };
    });

  test('its caller does, within what was left to it, and counts it', async () => {
    const heard: string[] = [];
    const model = fakeModel([
      calls([
        ['triage', { n: 1 }],
        ['other', {}],
      ]),
      ...Array.from({ length: 9 }, () => says('hi')),
    ]);
    const other = remote('other', async () => ({ ...ok('did'), usage: noUsage, agents: 1 }));
    const agent = caller({ model, tools: [thinking(4, heard), other], limits: { tokens: 75 } });
    const result = await runAgent(agent, asks('go'), rehearsal().context);
    // 15 of 75 are used, and half of the rest is for each call: two replies.
    expect(heard.slice(0, 2)).toEqual(['{"type":"text","text":"hi"}', '{"type":"text","text":"hi"}']);
    expect(heard.slice(2)).toEqual(Array(2).fill(expect.stringContaining('it has used 30 of its 30 tokens')));
    expect(result).toMatchObject({ stop: 'answer', usage: { inputTokens: 40, outputTokens: 20 } });
  });

  test('the caller of the task does, where the agent that called has no model of its own', async () => {
    const heard: string[] = [];
    const asked: InputRequest[] = [];
    const replies = [calls([['triage']]), says('done')];
    const steps: Model = { ...fakeModel(replies), isPlan: true };
    const { context } = rehearsal([], Infinity, undefined, (_, request) => {
      asked.push(request);
      return asked.length === 1
        ? accept({ role: 'assistant', content: { type: 'text', text: 'hi' }, model: 'm' })
        : { action: 'decline' };
    });
    await runAgent(caller({ model: steps, tools: [thinking(2, heard)] }), asks('go'), context);
    expect(asked[0]).toMatchObject({ kind: 'sampling', params: { maxTokens: 100 } });
    expect(heard).toEqual(['{"type":"text","text":"hi"}', expect.stringContaining('was not lent')]);
  });
});
