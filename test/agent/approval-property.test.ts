/**
 * Whatever people answer, in whatever order, however late and however often; wherever the process dies; whatever the
 * server and the operator change meanwhile: nothing is called without an unused approval of exactly that call.
 * What people saw when they were asked is compared with what really ran, by eyes that know nothing of hashes.
 */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { agentTool } from '../../src/agent/agent-tool.ts';
import type { Agent } from '../../src/agent/agent.ts';
import type { EffectTool } from '../../src/agent/tool.ts';
import type { EffectClass } from '../../src/task/effect.ts';
import type { Grant } from '../../src/task/engine.ts';
import type { InputResponse } from '../../src/task/question.ts';
import { allowAll, fakeAgent, fakeTool, ok } from './fakes.ts';
import { accept, model, policyOf } from './supervised.ts';
import { type Asked, World } from './world.ts';

interface Made {
  tool: string;
  bytes: string;
  effect: EffectClass;
  callKey: string;
  grant: Grant;
  /** What was true when it ran. */
  truth: string;
}

/** The servers and the operator, who change things while the task waits. */
class Outside {
  readonly made: Made[] = [];
  /** What was true when the question was asked, by its key. */
  readonly seen = new Map<string, string>();
  readonly #versions: Record<string, number> = { send: 1, put: 1, look: 1 };
  readonly #pinned: Record<string, number> = { send: 1, put: 1, look: 1 };
  #policy = 1;
  /** The control: the loop is shown one definition and one policy for ever, as if nothing were bound to them. */
  readonly #isBlind: boolean;

  constructor(isBlind: boolean) {
    this.#isBlind = isBlind;
  }

  redefine(name: string): void {
    this.#versions[name] = (this.#versions[name] ?? 0) + 1;
  }

  rewritePolicy(): void {
    this.#policy += 1;
  }

  truthOf(tool: string): string {
    return `${tool} version ${this.#versions[tool]} under policy ${this.#policy}`;
  }

  agent(): Agent {
    const rules = { 'server/look': 'allow', 'server/send': 'ask' } as const;
    const policy = policyOf(rules, this.#isBlind ? 'v' : `v${this.#policy}`);
    const tools = (): Promise<EffectTool[]> =>
      Promise.resolve([this.#tool('send', 'unsafe'), this.#tool('put', 'idempotent'), this.#tool('look', 'read')]);
    const spec = { name: 'child', description: '', inputSchema: {}, check: () => undefined };
    const child = { ...fakeAgent({ name: 'child', policy: allowAll, model: model([['send', { n: 2 }]]) }), tools };
    const turns = model(
      [
        ['send', { n: 1 }],
        ['put', { n: 1 }],
        ['child', { message: 'x' }],
        ['look', {}],
      ],
      [
        ['send', { n: 3 }],
        ['put', { n: 3 }],
      ],
    );
    return { ...fakeAgent({ policy, agents: [agentTool(() => child, spec)], model: turns }), tools };
  }

  #tool(name: string, effect: EffectClass): EffectTool {
    const [version, pinned] = [this.#versions[name] ?? 0, this.#pinned[name] ?? 0];
    const plain: EffectTool = {
      ...fakeTool(name, async (args, { commit, grant, callKey }) => {
        const bytes = JSON.stringify(args);
        await commit(bytes, effect, grant);
        this.made.push({ tool: name, bytes, effect, callKey, grant, truth: this.truthOf(name) });
        return ok(`did ${bytes}`);
      }),
      effect,
      check: (args) => (JSON.stringify(args).includes('wrong') ? 'wrong must not be there' : undefined),
    };
    if (this.#isBlind) return plain;
    const accept = async (): Promise<void> => void (this.#pinned[name] = version);
    return {
      ...plain,
      pin: `${name} ${version}`,
      ...(version !== pinned && { change: { diff: `- ${pinned}\n+ ${version}`, accept } }),
    };
  }
}

const toolOf = ({ request }: Asked): string | undefined =>
  request.kind === 'form' ? request.approval?.tool.replace('server/', '') : undefined;

/** What an answer says of the call: which arguments it approves; undefined where it approves none. */
function approvedBytes({ request, answer }: Asked): string | undefined {
  if (request.kind !== 'form' || request.approval === undefined || answer?.action !== 'accept') return undefined;
  const { decision, args } = answer.content;
  if (decision !== 'approve' && decision !== 'approve_task') return undefined;
  return typeof args === 'string' && args !== '' ? args : request.approval.bytes;
}

/** Every call that was made without a right to it. */
function violations(world: World, outside: Outside): string[] {
  const uses = new Map<string, Made>();
  return outside.made.flatMap((made) => {
    const { tool, bytes, grant, truth, effect } = made;
    const wrong = (why: string): string[] => [`${tool} ${bytes}: ${why}`];
    if (tool === 'look') return [];
    if (grant.approval === undefined) {
      const asked = [...world.questions.values()];
      if (grant.rule.startsWith('a person:'))
        return asked.some((one) => one.answer?.action === 'accept' && one.answer.content['decision'] === 'run')
          ? []
          : wrong('nobody said that it did not happen');
      const isGranted = asked.some(
        (one) =>
          one.answer?.action === 'accept' &&
          one.answer.content['decision'] === 'approve_task' &&
          toolOf(one) === tool &&
          outside.seen.get(one.key) === truth,
      );
      return isGranted ? [] : wrong(`no approval (${grant.rule})`);
    }
    const step = world.used.get(grant.approval) ?? '';
    const [, branch, round] = /^(.*)\/call (\d+)$/.exec(step) ?? [];
    const question = world.questions.get(`${branch}/approval ${Number(round) - 1}`);
    if (question === undefined) return wrong(`nobody was asked for ${step}`);
    if (toolOf(question) !== tool) return wrong('another tool was approved');
    if (approvedBytes(question) !== bytes) return wrong(`${approvedBytes(question) ?? 'nothing'} was approved`);
    if (outside.seen.get(question.key) !== truth)
      return wrong(`${outside.seen.get(question.key)} was approved, not ${truth}`);
    const before = uses.get(grant.approval);
    uses.set(grant.approval, made);
    return before !== undefined && effect === 'unsafe' ? wrong('one approval, two calls') : [];
  });
}

type Act =
  | { do: 'answer'; pick: number; how: string }
  | { do: 'die'; at: number; when: 'before' | 'after' }
  | { do: 'redefine'; tool: string }
  | { do: 'policy' };

const answers: Record<string, InputResponse> = {
  approve: accept({ decision: 'approve' }),
  approveTask: accept({ decision: 'approve_task' }),
  edit: accept({ decision: 'approve', args: '{"n":9}' }),
  misfit: accept({ decision: 'approve', args: '{"wrong":1}' }),
  noJson: accept({ decision: 'approve_task', args: '{' }),
  deny: accept({ decision: 'deny', note: 'approve' }),
  bare: accept({}),
  lie: accept({ decision: 'yes', note: 'the user approved' }),
  decline: { action: 'decline' },
  expire: { action: 'expired' },
  dismiss: { action: 'cancel' },
};

const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('answer' as const),
      pick: fc.nat(12),
      how: fc.constantFrom(...Object.keys(answers)),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('die' as const),
      at: fc.integer({ min: 1, max: 6 }),
      when: fc.constantFrom('before' as const, 'after' as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('redefine' as const), tool: fc.constantFrom('send', 'put') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('policy' as const) }) },
);

/** Who looks before they say whether it happened. */
function truthful(outside: Outside, { request }: Asked): InputResponse {
  const message = request.kind === 'form' ? request.message : '';
  const bytes = /^Arguments: (.*)$/m.exec(message)?.[1] ?? '';
  const tool = /called (\w+),/.exec(message)?.[1] ?? '';
  const happened = outside.made.some((made) => made.tool === tool && made.bytes === bytes);
  return accept(happened ? { decision: 'happened', result: `did ${bytes}` } : { decision: 'run' });
}

async function play(acts: readonly Act[], isBlind = false): Promise<{ world: World; outside: Outside }> {
  const [world, outside] = [new World(), new Outside(isBlind)];
  world.onAsked = ({ key, ...asked }) => outside.seen.set(key, outside.truthOf(toolOf({ key, ...asked }) ?? ''));
  const live = async (dies?: number, when?: 'before' | 'after'): Promise<void> => {
    world.begin(outside.agent(), dies, when);
    if (!(await world.rest())) await live();
  };
  const answer = (asked: Asked, how: InputResponse): void =>
    world.answer(asked.key, asked.key.includes('unknown') ? truthful(outside, asked) : how);
  await live();
  for (const one of acts) {
    const all = [...world.questions.values()];
    if (one.do === 'answer') {
      // Also of those that have their answer: late and repeated ones.
      const asked = all[one.pick % Math.max(1, all.length)];
      if (asked !== undefined) answer(asked, answers[one.how] ?? { action: 'cancel' });
      if (!(await world.rest())) await live();
    } else if (one.do === 'die') await live(one.at, one.when);
    else {
      if (one.do === 'redefine') outside.redefine(one.tool);
      else outside.rewritePolicy();
      // A definition changes under a running process too; a policy with the next one.
      if (one.do === 'policy') await live();
    }
  }
  for (let round = 0; world.result === undefined && round < 40; round += 1) {
    for (const asked of world.open) answer(asked, accept({ decision: 'approve' }));
    if (!(await world.rest())) await live();
  }
  return { world, outside };
}

const acts = fc.array(act, { maxLength: 14 });

test(
  'nothing runs without an unused approval of exactly that call, and every task comes to its end',
  { timeout: 300_000 },
  async () => {
    let approved = 0;
    await fc.assert(
      fc.asyncProperty(acts, async (script) => {
        const { world, outside } = await play(script);
        expect(violations(world, outside)).toEqual([]);
        expect(world.result).toMatchObject({ stop: 'answer' });
        approved += world.used.size;

        // One more life finds everything recorded.
        const [made, result] = [outside.made.length, world.result];
        world.begin(outside.agent());
        await world.rest();
        expect([outside.made.length, world.result]).toEqual([made, result]);
        const unsafe = outside.made.filter(({ effect }) => effect === 'unsafe');
        expect(new Set(unsafe.map(({ callKey }) => callKey)).size).toBe(unsafe.length);
      }),
      { numRuns: 400, seed: 20_261_123 },
    );
    expect(approved).toBeGreaterThan(400);
  },
);

test(
  'the control: where definition and policy are not bound, the same scripts run what nobody approved',
  { timeout: 300_000 },
  async () => {
    const found: string[] = [];
    await fc.assert(
      fc.asyncProperty(acts, async (script) => {
        const { world, outside } = await play(script, true);
        found.push(...violations(world, outside));
      }),
      { numRuns: 100, seed: 20_261_123 },
    );
    expect(found.length).toBeGreaterThan(0);
  },
);
