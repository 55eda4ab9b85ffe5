/** What an approval does not cover: other rules, other definitions, other policies, other agents. */
import { describe, expect, test } from 'vitest';
import { agentTool } from '../../src/agent/agent-tool.ts';
import type { Agent } from '../../src/agent/agent.ts';
import type { Policy } from '../../src/agent/policy.ts';
import type { EffectTool } from '../../src/agent/tool.ts';
import { UnavailableError } from '../../src/errors.ts';
import type { Json } from '../../src/json.ts';
import type { InputResponse } from '../../src/task/question.ts';
import { allowAll, fakeTool, ok } from './fakes.ts';
import {
  accept,
  agentOf,
  answered,
  approve,
  at,
  begun,
  formAt,
  type Made,
  model,
  policyOf,
  told,
  tool,
} from './supervised.ts';

import { World } from './world.ts';

describe('for the rest of the task', () => {
  const twice = (made: Made[], parts: Partial<Agent> = {}, change: Partial<EffectTool> = {}): Agent => {
    const tools = [tool('send', made, change), tool('drop', made)];
    const first: [string, Json][] = [['send', { n: 1 }]];
    const second: [string, Json][] = [
      ['send', { n: 2 }],
      ['drop', { n: 2 }],
    ];
    return { ...agentOf([], tools, parts), model: model(first, second) };
  };
  const forTask = accept({ decision: 'approve_task' });

  test('the tool is not asked about again, another one is, and a new life knows it', async () => {
    const made: Made[] = [];
    const world = await begun(twice(made));
    await answered(world, at(1), forTask);
    expect(world.open.map(({ key }) => key)).toEqual([at(2, 'approval 1', 2)]);
    expect(made.map(({ bytes }) => bytes)).toEqual(['{"n":1}', '{"n":2}']);
    expect(made[1]?.grant).toEqual({
      tool: 'server/send',
      rule: 'approved for the rest of the task (default: unsafe asks)',
    });
    world.begin(twice(made));
    await world.rest();
    expect(made).toHaveLength(2);
    await answered(world, at(2, 'approval 1', 2), approve);
    expect(world.result).toMatchObject({ stop: 'answer' });
    expect(made).toHaveLength(3);
  });

  test('a rule that forbids still does', async () => {
    const made: Made[] = [];
    const policy = policyOf({ 'server/send': ({ args }) => (args['n'] === 2 ? 'deny' : 'ask') });
    const world = await begun(twice(made, { policy }));
    await answered(world, at(1), forTask);
    expect(made.map(({ bytes }) => bytes)).toEqual(['{"n":1}']);
    expect(world.notes).toMatchObject([{ action: 'denied', rule: 'agents.yaml:7:3 deny server/send' }]);
  });

  test('another definition asks', async () => {
    const made: Made[] = [];
    let pin = 'old';
    const agent = twice(made);
    const tools = await agent.tools(new AbortController().signal);
    const world = await begun({ ...agent, tools: async () => tools.map((one) => ({ ...one, pin })) });
    world.answer(at(1), forTask);
    await world.rest();
    expect(made).toHaveLength(2);
    pin = 'new';
    const anew = await begun({
      ...agent,
      tools: async () => tools.map((one) => ({ ...one, pin: `pin ${made.length}` })),
    });
    await answered(anew, at(1), forTask);
    expect(anew.open.map(({ key }) => key)).toContain(at(1, 'approval 1', 2));
  });
});

describe('a definition that changed since it was pinned', () => {
  const changed = (made: Made[], accepted: string[], parts: Partial<EffectTool> = {}): EffectTool =>
    tool('send', made, {
      change: { diff: '- a\n+ b', accept: async () => void accepted.push(`before ${made.length + 1}`) },
      ...parts,
    });

  test('asks whatever is allowed, shows the change, and is pinned by the approval, before the call', async () => {
    const [made, accepted]: [Made[], string[]] = [[], []];
    const world = await begun(agentOf([['send']], [changed(made, accepted)], { policy: allowAll }));
    const { message, approval } = formAt(world, at(1));
    expect(message).toContain('Its definition: - a | + b');
    expect(message.split('\n').length).toBeLessThanOrEqual(6);
    expect(approval).toMatchObject({ change: '- a\n+ b', rule: 'its definition is another one than was pinned' });
    expect(accepted).toEqual([]);
    await answered(world, at(1), approve);
    expect(accepted).toEqual(['before 1']);
    expect(made).toHaveLength(1);
  });

  test('denied, it is neither pinned nor called', async () => {
    const [made, accepted]: [Made[], string[]] = [[], []];
    const world = await begun(agentOf([['send']], [changed(made, accepted)], { policy: allowAll }));
    await answered(world, at(1), accept({ decision: 'deny' }));
    expect([made, accepted]).toEqual([[], []]);
    expect(told(world)).toMatch(/Denied by a person/);
  });

  test('forbidden, it is not even asked about', async () => {
    const policy = policyOf({ 'server/send': 'deny' });
    const world = await begun(agentOf([['send']], [changed([], [])], { policy }));
    expect(world.questions.size).toBe(0);
    expect(told(world)).toBe('Not run: agents.yaml:7:3 deny server/send forbids server/send.');
  });

  test.each<[string, Partial<EffectTool>, RegExp]>([
    ['definition', { pin: 'another' }, /^Asked again: the tool's definition changed since it was approved/m],
    ['class', { effect: 'idempotent' }, /^Asked again: the tool's effect class changed/m],
    [
      'pinned definition',
      { change: { diff: '- c', accept: () => Promise.resolve() } },
      /^Asked again: the definition that was pinned changed/m,
    ],
  ])('another %s between the question and the call is asked about anew', async (_, parts, text) => {
    const made: Made[] = [];
    let now = tool('send', made);
    const agent = agentOf([['send']], []);
    const world = await begun({ ...agent, tools: async () => [now] });
    now = tool('send', made, parts);
    await answered(world, at(1), approve);
    expect(made).toEqual([]);
    expect(formAt(world, at(1, 'approval 2')).message).toMatch(text);
    await answered(world, at(1, 'approval 2'), approve);
    expect(made).toHaveLength(1);
  });

  test('another policy after a restart is asked about anew', async () => {
    const made: Made[] = [];
    const agent = (version: string): Agent =>
      agentOf([['send']], [tool('send', made)], { policy: policyOf({ 'server/send': 'ask' }, version) });
    const world = await begun(agent('v1'));
    world.begin(agent('v2'));
    await answered(world, at(1), approve);
    expect(made).toEqual([]);
    expect(formAt(world, at(1, 'approval 2')).message).toMatch(/the policy changed/);
  });

  test('another name of the agent after a restart is asked about anew', async () => {
    const made: Made[] = [];
    const agent = (name: string): Agent => agentOf([['send']], [tool('send', made)], { name });
    const world = await begun(agent('clerk'));
    world.begin(agent('chief'));
    await answered(world, at(1), approve);
    expect(made).toEqual([]);
    expect(formAt(world, at(1, 'approval 2')).message).toMatch(/the agents that ask changed/);
    await answered(world, at(1, 'approval 2'), approve);
    expect(made).toHaveLength(1);
  });

  test('a pin that cannot be stored is a result', async () => {
    const made: Made[] = [];
    const change = { diff: 'x', accept: () => Promise.reject(new Error('the disk is full')) };
    const world = await begun(agentOf([['send']], [changed(made, [], { change })]));
    await answered(world, at(1), approve);
    expect(told(world)).toMatch(/could not be pinned: the disk is full/);
    expect(made).toEqual([]);
  });
});

describe('among agents', () => {
  const spec = { name: 'child', description: '', inputSchema: {}, check: () => undefined };
  const family = (made: Made[], own: Policy, theirs: Policy): Agent => {
    const child = agentOf([['send', { n: 1 }]], [tool('send', made)], { name: 'child', policy: theirs });
    return agentOf([['child', { message: 'x' }]], [], {
      name: 'parent',
      policy: own,
      agents: [agentTool(() => child, spec)],
    });
  };
  const below = `${at(1, 'turn 1: call 1')}/approval 1`;

  test("a question says the chain; the caller's rules hold below it", async () => {
    const made: Made[] = [];
    const world = await begun(family(made, policyOf({ 'server/send': 'ask' }), allowAll));
    const { message, approval } = formAt(world, below);
    expect(message).toMatch(/^parent → child wants to call server\/send/);
    expect(approval?.chain).toEqual(['parent', 'child']);
    await answered(world, below, approve);
    expect(made).toHaveLength(1);
    expect(world.result).toMatchObject({ stop: 'answer' });
  });

  test("the caller's allow gives nothing", async () => {
    const world = await begun(family([], allowAll, policyOf({})));
    expect(world.open.map(({ key }) => key)).toEqual([below]);
  });

  test('calling one is a read, and leaves no record before it', async () => {
    const made: Made[] = [];
    const world = await begun(family(made, policyOf({}), allowAll));
    expect(made).toHaveLength(1);
    expect([...world.steps.keys()].filter((key) => key.includes('admission'))).toEqual([]);
  });

  test.each<[string, InputResponse, number]>([
    ['approved, it works', approve, 1],
    ['denied, it does not', accept({ decision: 'deny', note: 'no' }), 0],
  ])('rules may ask about it: %s', async (_, response, times) => {
    const made: Made[] = [];
    const world = await begun(family(made, policyOf({ child: 'ask' }), allowAll));
    expect(made).toEqual([]);
    expect(formAt(world, at(1)).message).toMatch(/^parent wants to call child \(read\)/);
    await answered(world, at(1), response);
    expect(made).toHaveLength(times);
    expect(world.used.size).toBe(times);
    expect(world.result).toMatchObject({ stop: 'answer' });
  });

  test('rules may forbid it', async () => {
    const made: Made[] = [];
    const world = await begun(family(made, policyOf({ child: 'deny' }), allowAll));
    expect(made).toEqual([]);
    expect(told(world)).toMatch(/forbids child/);
    expect(world.notes).toMatchObject([{ action: 'denied', tool: 'child' }]);
  });
});

describe('a call that left before its process died', () => {
  /** Becomes a task of its server, which is followed by its id. */
  const remote = (followed: string[], parts: Partial<EffectTool> = {}): EffectTool => ({
    ...fakeTool('send', async (args, { commit, reference }) => {
      if (reference === undefined) {
        await commit(JSON.stringify(args), 'unsafe');
        await commit.reference('task 7');
      }
      followed.push(reference ?? 'sent');
      return ok('done there');
    }),
    ...parts,
  });
  const dead = async (send: EffectTool, writes: number): Promise<World> => {
    const world = new World();
    world.begin(agentOf([['send', { n: 1 }]], [send], { policy: allowAll }), writes);
    await world.rest();
    return world;
  };

  test('and is a task of its server, is followed, whatever is forbidden or changed by now', async () => {
    const followed: string[] = [];
    // The model's reply, the intent, the reference.
    const world = await dead(remote(followed), 3);
    const change = { diff: '- a', accept: () => Promise.reject(new Error('nobody approved it')) };
    const policy = policyOf({ 'server/send': 'deny' });
    world.begin(agentOf([['send', { n: 1 }]], [remote(followed, { change })], { policy }));
    await world.rest();
    expect(followed).toEqual(['task 7']);
    expect(told(world)).toBe('done there');
    expect(world.result).toMatchObject({ stop: 'answer' });
  });

  test('is looked for by its name, to be followed or repeated, so that its server is waited for', async () => {
    for (const [send, writes, sought] of [
      [remote([]), 3, ['send']],
      [tool('send', [], { effect: 'idempotent' }), 2, ['send', 'send']],
    ] as const) {
      const world = await dead(send, writes);
      const names: string[] = [];
      const tools = async (_signal: AbortSignal, left?: string) => {
        names.push(...(left === undefined ? [] : [left]));
        return [send];
      };
      world.begin({ ...agentOf([['send', { n: 1 }]], [], { policy: allowAll }), tools });
      await world.rest();
      expect(world.result).toMatchObject({ stop: 'answer' });
      expect(names).toEqual(sought);
    }
  });

  test('and whose time is up, is cut off: nobody is asked', async () => {
    const world = await dead(tool('send', [], { effect: 'idempotent' }), 2);
    const away = async (signal: AbortSignal): Promise<EffectTool[]> => {
      signal.throwIfAborted();
      throw new UnavailableError('it is away');
    };
    const agent = agentOf([['send', { n: 1 }]], [], { policy: allowAll });
    world.begin({ ...agent, limits: { ...agent.limits, time: 50 }, tools: away });
    await expect.poll(() => world.result).toBeDefined();
    expect(told(world)).toBe('Cut off: the time of the agent is up.');
  });

  test('and whose tool is gone, did not fail for that: a person is asked', async () => {
    const world = await dead(remote([]), 3);
    world.begin(agentOf([['send', { n: 1 }]], [], { policy: allowAll }));
    await world.rest();
    expect(formAt(world, at(1, 'unknown 1')).message).toMatch(/it left before, and now: There is no tool "send"/);
    await answered(world, at(1, 'unknown 1'), accept({ decision: 'happened', result: 'I saw it' }));
    expect(told(world)).toBe('I saw it');
  });

  test('is not repeated, though harmless, where it is forbidden by now: a person says whether it happened', async () => {
    const made: Made[] = [];
    const world = await dead(tool('send', made, { effect: 'idempotent' }), 2);
    const policy = policyOf({ 'server/send': 'deny' });
    world.begin(agentOf([['send', { n: 1 }]], [tool('send', made, { effect: 'idempotent' })], { policy }));
    await world.rest();
    expect(made).toEqual([]);
    expect(formAt(world, at(1, 'unknown 1')).message).toMatch(/forbids server\/send/);
    await answered(world, at(1, 'unknown 1'), accept({ decision: 'run' }));
    expect(told(world)).toMatch(/^Not run: .* forbids server\/send/);
    expect(made).toEqual([]);
  });
});
