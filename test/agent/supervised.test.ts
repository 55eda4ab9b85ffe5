/**
 * The real loop on the real engine, with people in it: a model that is away for a while, a message to the task, a
 * question at a limit, a result that is too long. Killed at every durable boundary, the task comes to the same end, and
 * what was acknowledged to a person was heard.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { entriesOf } from '../../src/agent/entries.ts';
import { runAgent } from '../../src/agent/loop.ts';
import { type Model, ModelError } from '../../src/agent/model.ts';
import { appendTranscript } from '../../src/agent/transcript.ts';
import { createEngine } from '../../src/engine/engine.ts';
import { openSqliteStore } from '../../src/engine/sqlite/store.ts';
import type { Store } from '../../src/engine/store.ts';
import { silentLog } from '../../src/log.ts';
import type { TaskEngine, TaskKeeper } from '../../src/task/engine.ts';
import { isTerminal, type Task } from '../../src/task/task.ts';
import { goneInstance, mortalStore } from '../engine/mortal-store.ts';
import { asks, calls, fakeAgent, fakeTool, ok, says } from './fakes.ts';

const folder = mkdtempSync(join(tmpdir(), 'deputy-supervised-'));
let files = 0;
const newFile = (): string => join(folder, `${(files += 1)}.db`);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What outlives a process. */
interface World {
  /** How often the model is still not there. */
  away: number;
  /** What a person was told is stored. */
  acknowledged: string[];
}
const whole = `${'x'.repeat(150_000)}NEEDLE${'y'.repeat(200_000)}`;
const heard = /while you work\]: (\w+)/g;

/** `send` is what a person does while the model writes its second reply. */
function agentIn(world: World, send: () => Promise<void>) {
  const model: Model = {
    id: 'fake/model',
    generate: async ({ messages }) => {
      if (world.away > 0) {
        world.away -= 1;
        throw new ModelError('unavailable', 'fake/model: overloaded');
      }
      const said = JSON.stringify(messages).replaceAll('\\"', '"');
      switch (messages.filter(({ role }) => role === 'assistant').length) {
        case 0:
          return calls([['t']]);
        case 1:
          await send();
          return calls([['read_result', { id: /id "([^"]+)"/.exec(said)?.[1] ?? '', offset: 149_995, length: 20 }]]);
        default: {
          const words = new Set([...said.matchAll(heard)].map(([, word]) => word));
          return says(`${/x+NEEDLEy+/.exec(said.slice(said.indexOf('149995 to')))?.[0]}; heard ${[...words].join()}`);
        }
      }
    },
  };
  const tool = { ...fakeTool('t', async () => ok(whole)), effect: 'read' as const };
  return fakeAgent({ model, tools: [tool], limits: { turns: 2, time: 3_600_000, onLimit: 'ask' } });
}

const request = { agent: 'agent', owner: 'ann', input: { message: 'go' }, idempotencyKey: 'k' };
const via = { channel: 'test' };

function live(store: Store, world: World) {
  const engine: TaskEngine & TaskKeeper = createEngine({
    store,
    handler: (task, context) =>
      runAgent(
        agentIn(world, async () => {
          if (world.acknowledged.length > 0) return;
          await engine.send(task.id, 'ann', 'metres', via);
          world.acknowledged.push('metres');
        }),
        asks('go'),
        context,
      ),
    log: silentLog,
    instance: goneInstance(),
    // Only a person ends a wait here.
    timings: { tick: 20, expire: 2 ** 30 },
  });
  return engine;
}

/** A person who lets the task go on, whatever it waits for. `saw` holds what they were told. */
async function untilEnded(engine: TaskEngine, id: string, saw: string[] = []): Promise<Task> {
  for await (const event of engine.watch(id, 'ann')) {
    if (event.type !== 'status') continue;
    const { task } = event;
    if (isTerminal(task)) return task;
    if (task.statusMessage !== undefined) {
      saw.push(task.statusMessage);
      await engine.retry(id, 'ann', via);
    }
    if (task.status !== 'input_required') continue;
    for (const [key, asked] of Object.entries(task.inputRequests)) {
      if (asked.kind === 'form') saw.push(asked.message);
      await engine.respond(id, 'ann', { [key]: { action: 'accept', content: { decision: 'continue' } } }, via);
    }
  }
  throw new Error('the engine ended first');
}

const newWorld = (): World => ({ away: 2, acknowledged: [] });
const resultOf = (task: Task): unknown => (task.status === 'completed' ? task.result : task);

test('it waits for its model, hears a person, asks at its limit, reads on in a long result, and all of it is on record', async () => {
  const [world, saw] = [newWorld(), [] as string[]];
  const engine = live(openSqliteStore(newFile()), world);
  const { id } = await engine.start(request);
  const task = await untilEnded(engine, id, saw);
  expect(resultOf(task)).toMatchObject({ stop: 'answer', content: [{ text: 'xxxxxNEEDLEyyyyyyyyy; heard metres' }] });
  expect(saw[0]).toContain(`agent waits 30 s and asks again: fake/model: overloaded Now: deputy tasks retry ${id}.`);
  expect(saw.at(-1)).toContain('agent has come to a limit: it has used its 2 turns.');

  const record = await engine.record(id, 'ann');
  expect(record.steps.map(({ key }) => key)).toEqual([
    'turn 1: model',
    'turn 1: model 2',
    'turn 1: model 3',
    'turn 1: call 1/call',
    'turn 2: model',
    'turn 2: call 1/call',
    'turn 3: model',
  ]);
  expect(entriesOf(record).map(({ kind }) => kind)).toEqual(
    'stop wait stop wait reply result sent reply result question reply'.split(' '),
  );
  expect(entriesOf(record).filter(({ kind }) => kind === 'wait')).toMatchObject([
    { path: '', isOver: true, message: expect.stringContaining('waits 30 s') as string },
    { path: '', isOver: true, message: expect.stringContaining('waits 1 min') as string },
  ]);
  const [kept] = await engine.artifacts(id, 'ann');
  expect(kept).toMatchObject({ total: whole.length });

  const transcript = asks('go');
  const agent = agentIn(world, () => Promise.resolve());
  await appendTranscript(agent, transcript, record.steps);
  expect(transcript.map(({ role }) => role)).toEqual(['user', 'assistant', 'user', 'assistant', 'user', 'assistant']);
  expect(transcript[4]?.content.at(-1)).toEqual({ type: 'text', text: '[Message from ann while you work]: metres' });
  await engine.close();
});

test('a message to a task that waits for its model is heard by the question that is asked again', async () => {
  const world = { ...newWorld(), acknowledged: ['nothing is sent by the model'] };
  const engine = live(openSqliteStore(newFile()), world);
  const { id } = await engine.start(request);
  for await (const event of engine.watch(id, 'ann'))
    if (event.type === 'status' && event.task.statusMessage !== undefined) break;
  await engine.send(id, 'ann', 'hello', via);
  const task = await untilEnded(engine, id);
  expect(resultOf(task)).toMatchObject({ content: [{ text: 'xxxxxNEEDLEyyyyyyyyy; heard hello' }] });
  await engine.close();
});

test('killed at each durable boundary, before it and after it, it comes to the same end', async () => {
  const counted = mortalStore(newFile(), Infinity, 'after');
  const counting = live(counted.store, newWorld());
  const end = await untilEnded(counting, (await counting.start(request)).id);
  await counting.close();
  const boundaries = counted.written();
  expect(boundaries).toBeGreaterThan(8);

  for (const when of ['before', 'after'] as const)
    for (let at = 1; at <= boundaries; at += 1) {
      const [path, world] = [newFile(), newWorld()];
      const { store, died } = mortalStore(path, at, when);
      const first = live(store, world);
      let id = (await Promise.race([first.start(request), died]))?.id;
      if (id !== undefined) await Promise.race([died, untilEnded(first, id).catch(() => {})]);
      const engine = live(openSqliteStore(path), world);
      id ??= (await engine.start(request)).id;
      expect(resultOf(await untilEnded(engine, id)), `killed ${when} write ${at}`).toEqual(resultOf(end));
      await engine.close();
    }
});
