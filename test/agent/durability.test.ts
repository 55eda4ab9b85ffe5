/**
 * The real loop on the real engine and a file, killed at every durable boundary, and by chance: a task comes to the same
 * end, what was recorded never runs again, and no unsafe effect happens twice. Effects are counted in a world that
 * outlives the processes.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { agentTool } from '../../src/agent/agent-tool.ts';
import type { Agent } from '../../src/agent/agent.ts';
import { runAgent } from '../../src/agent/loop.ts';
import type { ModelReply } from '../../src/agent/model.ts';
import type { EffectTool } from '../../src/agent/tool.ts';
import { createEngine } from '../../src/engine/engine.ts';
import { openSqliteStore } from '../../src/engine/sqlite/store.ts';
import type { Store } from '../../src/engine/store.ts';
import { silentLog } from '../../src/log.ts';
import type { EffectClass } from '../../src/task/effect.ts';
import type { TaskEngine, TaskHandler, TaskKeeper } from '../../src/task/engine.ts';
import type { InputRequest, InputResponse } from '../../src/task/question.ts';
import { isTerminal, type Task } from '../../src/task/task.ts';
import { goneInstance, mortalStore } from '../engine/mortal-store.ts';
import { asks, calls, fakeAgent, fakeTool, modelByTurn, ok, says } from './fakes.ts';

const folder = mkdtempSync(join(tmpdir(), 'deputy-durability-'));
let files = 0;
const newFile = (): string => join(folder, `${(files += 1)}.db`);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What really happened: how often each effect did, by its arguments. */
type World = Map<string, number>;
const classes: readonly EffectClass[] = ['read', 'idempotent', 'unsafe'];

/** Two levels, three turns, calls of every class side by side in two slots, a misfit, an unknown tool. */
function network(world: World): Agent {
  const tools: EffectTool[] = classes.map((effect) => ({
    ...fakeTool(effect, async (args, { commit }) => {
      const bytes = JSON.stringify(args);
      await commit(bytes, effect);
      world.set(bytes, (world.get(bytes) ?? 0) + 1);
      await new Promise((resolve) => setImmediate(resolve));
      return ok(`did ${bytes}`);
    }),
    effect,
  }));
  const each = (turn: string): [string, object][] => classes.map((name) => [name, { [name]: turn }]);
  const below = [calls(each('below') as never), says('below is done')];
  const child = fakeAgent({ name: 'child', model: modelByTurn(below), tools, limits: { parallelTools: 2 } });
  const lines: ModelReply[] = [
    calls([...each('one'), ['child', { message: 'x' }], ['nope'], ['unsafe', { wrong: 1 }]] as never),
    calls([...each('two'), ['unsafe', { unsafe: 'again' }]] as never),
    says('done'),
  ];
  const spec = { name: 'child', description: '', inputSchema: {}, check: () => undefined };
  return fakeAgent({
    model: modelByTurn(lines),
    tools,
    agents: [agentTool(() => child, spec)],
    limits: { parallelTools: 2 },
  });
}

const handlerIn =
  (world: World): TaskHandler =>
  (_, context) =>
    runAgent(network(world), asks('go'), context);

const process = (store: Store, world: World): TaskEngine & TaskKeeper =>
  createEngine({ store, handler: handlerIn(world), log: silentLog, instance: goneInstance(), timings: { tick: 20 } });

/** A person who looks into the world before they say whether it happened. `asked` holds what they were shown. */
function personIn(world: World, asked: string[]) {
  return (request: InputRequest): InputResponse => {
    if (request.kind !== 'form') throw new Error('a form was expected');
    const bytes = /^Arguments: (.*)$/m.exec(request.message)?.[1] ?? '';
    asked.push(bytes);
    const content = world.has(bytes) ? { decision: 'happened', result: `did ${bytes}` } : { decision: 'run' };
    return { action: 'accept', content };
  };
}

async function untilEnded(
  engine: TaskEngine,
  id: string,
  person: (request: InputRequest) => InputResponse,
): Promise<Task> {
  for await (const event of engine.watch(id, 'ann')) {
    if (event.type !== 'status') continue;
    if (isTerminal(event.task)) return event.task;
    if (event.task.status !== 'input_required') continue;
    const answers = Object.entries(event.task.inputRequests).map(([key, request]) => [key, person(request)] as const);
    await engine.respond(id, 'ann', Object.fromEntries(answers), { channel: 'person' });
  }
  throw new Error('the engine ended first');
}

/** With a key: who was never told of its task starts the same one again. */
const request = { agent: 'agent', owner: 'ann', input: { message: 'go' }, idempotencyKey: 'k' };
const resultOf = (task: Task): unknown => (task.status === 'completed' ? task.result : task);

/** Lives one after the other, each dying at the given transaction, then one that may go on to the end. */
async function killed(deaths: readonly { at: number; when: 'before' | 'after' }[]) {
  const [path, world, asked] = [newFile(), new Map<string, number>(), [] as string[]];
  const person = personIn(world, asked);
  let id: string | undefined;
  for (const { at, when } of deaths) {
    const { store, died } = mortalStore(path, at, when);
    const engine = process(store, world);
    id ??= (await Promise.race([engine.start(request), died]))?.id;
    if (id === undefined) break;
    void untilEnded(engine, id, person).catch(() => {});
    const settled = untilEnded(engine, id, () => ({ action: 'cancel' })).catch(() => {});
    await Promise.race([died, settled]);
  }
  const engine = process(openSqliteStore(path), world);
  id ??= (await engine.start(request)).id;
  const task = await untilEnded(engine, id, person);
  const { steps, questions } = await engine.record(id, 'ann');
  await engine.close();
  return { result: resultOf(task), world, asked, questions, keys: steps.map(({ key }) => key) };
}

const isRepeatable = (bytes: string): boolean => !bytes.includes('"unsafe"');

function check(what: Awaited<ReturnType<typeof killed>>, whole: Awaited<ReturnType<typeof killed>>): void {
  expect(what.result).toEqual(whole.result);
  expect([...what.world.keys()].toSorted()).toEqual([...whole.world.keys()].toSorted());
  for (const [bytes, times] of what.world) if (!isRepeatable(bytes)) expect([bytes, times]).toEqual([bytes, 1]);
  for (const bytes of what.asked) expect(isRepeatable(bytes), `${bytes} was asked about`).toBe(false);
  expect(what.questions.every(({ answer }) => answer !== undefined)).toBe(true);
}

test('killed once at each durable boundary, before it and after it, a task comes to the same end', async () => {
  const whole = await killed([]);
  expect(whole.result).toMatchObject({ stop: 'answer' });
  expect(whole.world.size).toBe(10);
  expect(whole.asked).toEqual([]);
  const count = mortalStore(newFile(), Infinity, 'after');
  const counting = process(count.store, new Map());
  await untilEnded(counting, (await counting.start(request)).id, () => ({ action: 'cancel' }));
  await counting.close();
  const boundaries = count.written();
  expect(boundaries).toBeGreaterThan(8); // writes of one turn of the event loop are one
  let asked = 0;
  for (const when of ['before', 'after'] as const)
    for (let at = 1; at <= boundaries + 2; at += 1) {
      const one = await killed([{ at, when }]);
      check(one, whole);
      asked += one.asked.length;
    }
  expect(asked).toBeGreaterThan(5); // otherwise nothing was killed between an intent and its result
});

test('killed again and again, wherever it is, a task comes to the same end', async () => {
  const whole = await killed([]);
  let seed = 7;
  const random = (below: number): number => (seed = (seed * 48_271) % 2_147_483_647) % below;
  for (let run = 0; run < 25; run += 1) {
    const deaths = Array.from({ length: 2 + random(6) }, () => ({
      at: 2 + random(6),
      when: random(2) === 0 ? ('before' as const) : ('after' as const),
    }));
    check(await killed(deaths), whole);
  }
});

test('the control: where intents are not written, the same kills repeat unsafe effects', async () => {
  let repeated = 0;
  for (let at = 2; at <= 12; at += 1) {
    const [path, world] = [newFile(), new Map<string, number>()];
    const blind = (store: Store): Store => ({
      ...store,
      write: (writes) => {
        const kept = writes.filter(({ kind }) => kind !== 'intent');
        return kept.length === 0 ? Promise.resolve([]) : store.write(kept);
      },
    });
    const { store, died } = mortalStore(path, at, 'before');
    const { id } = await process(blind(store), world).start(request);
    await died;
    const engine = process(blind(openSqliteStore(path)), world);
    await untilEnded(engine, id, () => ({ action: 'cancel' }));
    await engine.close();
    for (const [bytes, times] of world) if (!isRepeatable(bytes) && times > 1) repeated += 1;
  }
  expect(repeated).toBeGreaterThan(0);
});
