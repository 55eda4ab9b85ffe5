/** The operator's hooks around a tool call: what they see, what they change, what they forbid, and what is recorded. */
import { describe, expect, test } from 'vitest';
import { agentTool } from '../../src/agent/agent-tool.ts';
import type { Hook, HookInput, Hooks, HookSaid } from '../../src/agent/hooks.ts';
import type { Agent } from '../../src/agent/agent.ts';
import type { EffectTool, ToolOutcome } from '../../src/agent/tool.ts';
import type { Json, JsonObject } from '../../src/json.ts';
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
import { valueOf, World } from './world.ts';

/** For `server/send` alone. `heard` holds what it was shown. */
function hook(say: (input: HookInput) => HookSaid, heard: HookInput[] = [], only = 'server/send'): Hook {
  return {
    name: 'hooks.mjs',
    matches: (tool) => tool === only,
    run: async (input) => {
      heard.push(structuredClone(input));
      return say(input);
    },
  };
}
const pass = (): HookSaid => ({ kind: 'pass' });
const change = (value: Json) => (): HookSaid => ({ kind: 'change', value });
const deny = (reason: string) => (): HookSaid => ({ kind: 'deny', reason });

const sending = (made: Made[], hooks: Hooks, parts: Partial<Agent> = {}): Agent =>
  agentOf([['send', { n: 1 }]], [tool('send', made)], { policy: allowAll, hooks, ...parts });
const keysOf = (world: World): string[] => [...world.steps.keys()].filter((key) => key.startsWith('turn 1: call'));

describe('before a tool', () => {
  test('they see the call; what they change is checked, judged, called and asked about', async () => {
    const [made, heard]: [Made[], HookInput[]] = [[], []];
    const hooks = { before_tool: [hook(change({ n: 2 }), heard), hook(pass, heard)] };
    const world = await begun(sending(made, hooks, { policy: policyOf({}) }));
    expect(heard).toEqual([
      {
        place: 'before_tool',
        agent: 'agent',
        task: 't1',
        owner: 'ann',
        tool: 'server/send',
        effect: 'unsafe',
        args: { n: 1 },
      },
      expect.objectContaining({ args: { n: 2 } }),
    ]);
    expect(formAt(world, at(1)).approval?.bytes).toBe('{"n":2}');
    await answered(world, at(1), approve);
    expect(made.map(({ bytes }) => bytes)).toEqual(['{"n":2}']);
    // What a person has seen went through them.
    expect(heard).toHaveLength(2);
  });

  test.each<[string, Hook, RegExp]>([
    ['a denial', hook(deny('not on Mondays')), /^Not run: a hook forbids server\/send: hooks\.mjs: not on Mondays\.$/],
    [
      'a change that does not fit the tool',
      hook(change({ wrong: 1 })),
      /^Not run: a hook changed the arguments\. .*wrong/,
    ],
    ['a change that is no object', hook(change('x')), /^Not run: .*must be an object/],
  ])('%s is told to the model and put on record; nothing is called', async (_, one, text) => {
    const made: Made[] = [];
    const world = await begun(sending(made, { before_tool: [one] }));
    expect(told(world)).toMatch(new RegExp(text.source, 's'));
    expect(made).toEqual([]);
    expect(world.notes).toMatchObject([{ action: 'denied', tool: 'server/send', rule: 'before_tool' }]);
    expect(world.notes[0]?.args).toMatch(/^[0-9a-f]{64}$/);
  });

  test('they see what a person edited; what they forbid of it is asked about anew', async () => {
    const made: Made[] = [];
    const strict = hook(({ args }) => (JSON.stringify(args) === '{"n":13}' ? deny('unlucky')() : pass()));
    const world = await begun(sending(made, { before_tool: [strict] }, { policy: policyOf({}) }));
    await answered(world, at(1), accept({ decision: 'approve', args: '{"n":13}' }));
    expect(formAt(world, at(1, 'approval 2')).message).toMatch(/^Asked again: .*unlucky/m);
    await answered(world, at(1, 'approval 2'), accept({ decision: 'approve', args: '{"n":14}' }));
    expect(made.map(({ bytes }) => bytes)).toEqual(['{"n":14}']);
  });

  test('what they make of what a person edited is asked about anew', async () => {
    const made: Made[] = [];
    const tagging = hook(({ args }) => change({ ...(args as JsonObject), tagged: true })());
    const world = await begun(sending(made, { before_tool: [tagging] }, { policy: policyOf({}) }));
    await answered(world, at(1), accept({ decision: 'approve', args: '{"n":2}' }));
    expect(made).toEqual([]);
    expect(formAt(world, at(1, 'approval 2')).approval?.bytes).toBe('{"n":2,"tagged":true}');
    await answered(world, at(1, 'approval 2'), approve);
    expect(made.map(({ bytes }) => bytes)).toEqual(['{"n":2,"tagged":true}']);
  });

  test('a call that may be repeated after a crash is repeated with the bytes that left, whatever they would say now', async () => {
    const made: Made[] = [];
    let count = 0;
    const counting = hook(() => change({ n: (count += 1) })());
    const agent = agentOf([['send']], [tool('send', made, { effect: 'idempotent' })], {
      policy: allowAll,
      hooks: { before_tool: [counting] },
    });
    const world = new World();
    // Model, intent, and then it dies.
    world.begin(agent, 2);
    await world.rest();
    world.begin(agent);
    await world.rest();
    expect(count).toBe(1);
    expect(made.map(({ bytes }) => bytes)).toEqual(['{"n":1}']);
    expect(world.result).toMatchObject({ stop: 'answer' });
  });
});

test('a repeat leaves with the same bytes, where its server adds a key outside of the arguments', async () => {
  const left: string[] = [];
  const keyed: EffectTool = {
    ...fakeTool('send', async (args, { commit, callKey }) => {
      const bytes = JSON.stringify({ ...args, _meta: { key: callKey } });
      await commit(bytes, 'keyed');
      left.push(bytes);
      return ok('');
    }),
    effect: 'keyed',
    check: (args) => (JSON.stringify(args).includes('_meta') ? '_meta must not be there' : undefined),
  };
  const agent = agentOf([['send', { n: 1 }]], [keyed], { policy: allowAll });
  const world = new World();
  // The model's reply, the intent; and then it dies.
  world.begin(agent, 2);
  await world.rest();
  const { bytes } = world.intents.get(at(1, 'call')) ?? {};
  world.begin(agent);
  await world.rest();
  expect(left).toEqual([bytes]);
  expect(bytes).toMatch(/^\{"n":1,"_meta":\{"key":"[0-9a-f]{64}"\}\}$/);
  expect(world.result).toMatchObject({ stop: 'answer' });
});

test('on approval, they may deny what would be asked', async () => {
  const [made, heard]: [Made[], HookInput[]] = [[], []];
  const hooks = { on_approval: [hook(deny('nobody works at night'), heard)] };
  const world = await begun(sending(made, hooks, { policy: policyOf({}) }));
  expect(world.questions.size).toBe(0);
  expect(told(world)).toMatch(/nobody works at night/);
  expect(heard[0]).toMatchObject({ place: 'on_approval', args: { n: 1 }, rule: 'default: unsafe asks' });

  const free = await begun(sending(made, { on_approval: [hook(deny('never asked'))] }));
  expect(free.result).toMatchObject({ stop: 'answer' });
  expect(made).toHaveLength(1);
});

describe('after a tool', () => {
  test('what it said is recorded before they see it; then what they made of it, which the model reads', async () => {
    const heard: HookInput[] = [];
    const world = await begun(sending([], { after_tool: [hook(change('did ***'), heard)] }));
    expect(heard).toMatchObject([{ place: 'after_tool', args: { n: 1 }, content: 'did {"n":1}', isError: false }]);
    expect(valueOf(world, at(1, 'call'))).toMatchObject({ content: [{ text: 'did {"n":1}' }] });
    expect(valueOf(world, at(1, 'after_tool'))).toEqual({
      content: [{ type: 'text', text: 'did ***' }],
      isError: false,
    });
    expect(told(world)).toBe('did ***');
  });

  test('a denial withholds it', async () => {
    const world = await begun(sending([], { after_tool: [hook(deny('secret'))] }));
    expect(valueOf(world, at(1, 'after_tool'))).toMatchObject({
      content: [{ text: 'The result was withheld: hooks.mjs: secret' }],
      isError: true,
    });
    expect(world.notes).toMatchObject([{ action: 'denied', tool: 'server/send', rule: 'after_tool' }]);
  });

  test('text in other blocks does not pass by them', async () => {
    const outcome: ToolOutcome = {
      content: [
        { type: 'resource', uri: 'file:///key', text: 'hidden' },
        { type: 'resource_link', uri: 'https://x/?hidden', name: 'hidden' },
        { type: 'image', data: 'AAAA', mimeType: 'image/png' },
      ],
      isError: false,
    };
    const heard: HookInput[] = [];
    const agent = agentOf([['send']], [fakeTool('send', async () => outcome)], {
      policy: allowAll,
      hooks: { after_tool: [hook(change('clean'), heard)] },
    });
    const world = await begun(agent);
    expect(heard[0]?.['content']).toContain('hidden');
    const after = JSON.stringify(valueOf(world, at(1, 'after_tool')));
    expect(after).not.toContain('hidden');
    expect(after).toContain('AAAA');
  });

  test('the pages of a long result do not pass by them', async () => {
    const long = 'hidden '.repeat(50_000);
    const redact = hook(({ content }) => change(JSON.stringify(content).replaceAll('hidden', '******'))());
    const agent: Agent = {
      ...agentOf([], [fakeTool('send', async () => ok(long))], { policy: allowAll, hooks: { after_tool: [redact] } }),
      model: model([['send']], [['read_result', { id: at(1, 'call'), offset: 70_000, length: 700 }]]),
    };
    const world = await begun(agent);
    expect(world.artifacts.get(at(1, 'call'))).toContain('hidden');
    const page = JSON.stringify(valueOf(world, at(1, 'after_tool', 2)));
    expect(page).toContain('******');
    expect(page).not.toContain('hidden');
  });

  test('they do not see what was never called', async () => {
    const heard: HookInput[] = [];
    const hooks = { after_tool: [hook(pass, heard)] };
    await begun(sending([], hooks, { policy: policyOf({ 'server/send': 'deny' }) }));
    const world = await begun(sending([], hooks, { policy: policyOf({}) }));
    await answered(world, at(1), accept({ decision: 'deny' }));
    expect(heard).toEqual([]);
  });

  test('an approved call has its result seen once, after a crash too', async () => {
    const heard: HookInput[] = [];
    const agent = sending([], { after_tool: [hook(change('seen'), heard)] }, { policy: policyOf({}) });
    const world = await begun(agent);
    await answered(world, at(1), approve);
    world.begin(agent);
    await world.rest();
    expect(heard).toHaveLength(1);
    expect(keysOf(world)).toEqual([at(1, 'call'), at(1, 'call 2'), at(1, 'settled'), at(1, 'after_tool')]);
    expect(world.result).toMatchObject({ stop: 'answer' });
  });
});

test('around another agent they see its call and its answer', async () => {
  const heard: HookInput[] = [];
  const child = { ...agentOf([], [], { name: 'child', policy: allowAll }), model: model() };
  const spec = { name: 'child', description: '', inputSchema: {}, check: () => undefined };
  const hooks: Hooks = {
    before_tool: [hook(change({ message: 'changed' }), heard, 'child')],
    after_tool: [hook(change('rewritten'), heard, 'child')],
  };
  const parent = agentOf([['child', { message: 'x' }]], [], {
    policy: allowAll,
    hooks,
    agents: [agentTool(() => child, spec)],
  });
  const world = await begun(parent);
  expect(heard).toMatchObject([
    { place: 'before_tool', tool: 'child', args: { message: 'x' } },
    { place: 'after_tool', tool: 'child', args: { message: 'changed' }, content: 'done' },
  ]);
  expect(told(world)).toBe('rewritten');
});

test('where no hook wants a call, nothing is recorded for it', async () => {
  const other = hook(deny('never'), [], 'server/other');
  const world = await begun(sending([], { before_tool: [other], on_approval: [other], after_tool: [other] }));
  expect(keysOf(world)).toEqual([at(1, 'call')]);
  expect(JSON.stringify(valueOf(world, at(1, 'call')))).not.toContain('made');
});
