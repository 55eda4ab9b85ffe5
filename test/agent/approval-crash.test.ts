/**
 * Approvals on the real engine and a file, killed at every durable boundary: the same calls run, none twice, and each
 * by the approval that a person gave to exactly it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { agentTool } from '../../src/agent/agent-tool.ts';
import type { Agent } from '../../src/agent/agent.ts';
import { runAgent } from '../../src/agent/loop.ts';
import { createEngine } from '../../src/engine/engine.ts';
import { openSqliteStore } from '../../src/engine/sqlite/store.ts';
import type { Store } from '../../src/engine/store.ts';
import { silentLog } from '../../src/log.ts';
import type { AuditEntry } from '../../src/task/audit.ts';
import type { TaskEngine, TaskKeeper } from '../../src/task/engine.ts';
import type { InputRequest, InputResponse } from '../../src/task/question.ts';
import { isTerminal, type Task } from '../../src/task/task.ts';
import { goneInstance, mortalStore } from '../engine/mortal-store.ts';
import { allowAll, asks, fakeAgent } from './fakes.ts';
import { accept, agentOf, type Made, model, policyOf, tool } from './supervised.ts';

const folder = mkdtempSync(join(tmpdir(), 'deputy-approval-'));
let files = 0;
const newFile = (): string => join(folder, `${(files += 1)}.db`);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Side by side: one that is approved, one edited, one denied, one of a nested agent; then one without a question. */
function network(made: Made[]): Agent {
  const tools = [tool('send', made)];
  const child = { ...agentOf([], tools, { name: 'child', policy: allowAll }), model: model([['send', { n: 4 }]]) };
  const spec = { name: 'child', description: '', inputSchema: {}, check: () => undefined };
  const parent = fakeAgent({
    policy: policyOf({ 'server/send': 'ask' }),
    tools,
    agents: [agentTool(() => child, spec)],
    limits: { parallelTools: 2 },
  });
  const first: [string, object][] = [1, 2, 3].map((n) => ['send', { n }]);
  return {
    ...parent,
    model: model([...(first as [string, never][]), ['child', { message: 'x' }]], [['send', { n: 5 }]]),
  };
}

const answers: Record<string, InputResponse> = {
  '{"n":1}': accept({ decision: 'approve' }),
  '{"n":2}': accept({ decision: 'approve', args: '{"n":20}' }),
  '{"n":3}': accept({ decision: 'deny', note: 'not that' }),
  '{"n":4}': accept({ decision: 'approve' }),
  '{"n":5}': accept({ decision: 'approve' }),
};

function personIn(made: Made[]) {
  return (request: InputRequest): InputResponse => {
    if (request.kind !== 'form') throw new Error('a form was expected');
    if (request.approval !== undefined) return answers[request.approval.bytes] ?? { action: 'cancel' };
    const bytes = /^Arguments: (.*)$/m.exec(request.message)?.[1] ?? '';
    const happened = made.some((one) => one.bytes === bytes);
    return accept(happened ? { decision: 'happened', result: `did ${bytes}` } : { decision: 'run' });
  };
}

const process = (store: Store, made: Made[]): TaskEngine & TaskKeeper =>
  createEngine({
    store,
    handler: (_, context) => runAgent(network(made), asks('go'), context),
    log: silentLog,
    instance: goneInstance(),
    timings: { tick: 20 },
  });

async function untilEnded(
  engine: TaskEngine,
  id: string,
  person: (request: InputRequest) => InputResponse,
): Promise<Task> {
  for await (const event of engine.watch(id, 'ann')) {
    if (event.type !== 'status') continue;
    if (isTerminal(event.task)) return event.task;
    if (event.task.status !== 'input_required') continue;
    const said = Object.entries(event.task.inputRequests).map(([key, request]) => [key, person(request)] as const);
    await engine.respond(id, 'ann', Object.fromEntries(said), { channel: 'person' });
  }
  throw new Error('the engine ended first');
}

const request = { agent: 'agent', owner: 'ann', input: { message: 'go' }, idempotencyKey: 'k' };

async function killed(at: number, when: 'before' | 'after') {
  const [path, made] = [newFile(), [] as Made[]];
  const person = personIn(made);
  const { store, died, written } = mortalStore(path, at, when);
  const engine = process(store, made);
  let id = (await Promise.race([engine.start(request), died]))?.id;
  if (id !== undefined) await Promise.race([died, untilEnded(engine, id, person).catch(() => {})]);
  if (written() < at) await engine.close();

  const next = process(openSqliteStore(path), made);
  id ??= (await next.start(request)).id;
  const task = await untilEnded(next, id, person);
  const { intents, questions } = await next.record(id, 'ann');
  const denials: AuditEntry[] = [];
  for await (const entry of next.audit()) if (entry.action === 'denied') denials.push(entry);
  await next.close();
  return { task, made, intents, questions, denials, isOver: written() < at };
}

test(
  'killed at each durable boundary, the same calls run, once each, by their own approvals',
  { timeout: 300_000 },
  async () => {
    const bytes = ['{"n":1}', '{"n":20}', '{"n":4}', '{"n":5}'];
    let deaths = 0;
    let looked = 0;
    for (const when of ['before', 'after'] as const)
      for (let at = 1, isOver = false; !isOver; at += 1) {
        const one = await killed(at, when);
        ({ isOver } = one);
        deaths += isOver ? 0 : 1;
        const place = `${when} ${at}`;
        expect([place, one.task]).toMatchObject([place, { status: 'completed', result: { stop: 'answer' } }]);
        expect([place, one.made.map((call) => call.bytes).toSorted()]).toEqual([place, bytes.toSorted()]);

        const used = [...one.intents.values()].flatMap(({ approval }) => approval ?? []);
        expect(new Set(used).size).toBe(used.length);
        expect(used).toHaveLength(4);
        const approved = one.questions.flatMap(({ request: asked }) =>
          asked.kind === 'form' && asked.approval !== undefined && asked.approval.bytes !== '{"n":2}'
            ? [asked.approval.hash]
            : [],
        );
        // The hash of the edited one is that of other bytes than were asked about.
        expect(used.filter((hash) => !approved.includes(hash))).toHaveLength(1);
        expect(one.denials).toHaveLength(1);
        looked += one.questions.filter(({ key }) => key.includes('unknown')).length;
      }
    expect(deaths).toBeGreaterThan(20);
    expect(looked).toBeGreaterThan(2); // otherwise nothing was killed between an intent and its result
  },
);
