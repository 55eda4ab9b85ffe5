/**
 * What runs under strace: one life of the real engine on a store on disk, many small tasks side by side. Each makes an
 * unsafe call that becomes a task elsewhere, asks, and is answered, or dismissed and asked again, or cancelled. First
 * it tells of what earlier lives have left, and goes on with it.
 * Every acknowledgement is written to a file of its own, so that it stands in the trace among the store's writes.
 */
import { openSync, writeSync } from 'node:fs';
import { createEngine } from '../../src/engine/engine.ts';
import { openSqliteStore } from '../../src/engine/sqlite/store.ts';
import type { Store } from '../../src/engine/store.ts';
import { silentLog } from '../../src/log.ts';
import { text } from '../../src/task/content.ts';
import type { Commit, TaskEngine, TaskHandler } from '../../src/task/engine.ts';
import type { InputRequest } from '../../src/task/question.ts';
import { isTerminal, type Task } from '../../src/task/task.ts';
import { noUsage } from '../../src/task/usage.ts';
import { type Acknowledged, resultOf } from './acknowledged.ts';

const tasks = 40;
const width = 6;
const owner = 'ann';
const key = 'colour';
const form: InputRequest = {
  kind: 'form',
  message: 'Which colour?',
  schema: { type: 'object', properties: { colour: { type: 'string' } }, required: ['colour'] },
};

const [file = '', acks = '', barriers, end] = process.argv.slice(2);
const log = openSync(acks, 'a');
const acknowledged = (ack: Acknowledged): void => void writeSync(log, JSON.stringify(ack));

const numberOf = ({ input }: Task): number => Number(input['number']);

const handler: TaskHandler = async (task, context) => {
  const number = numberOf(task);
  await context.step('look', async () => 'x'.repeat((number * 397) % 6_000));
  const pay = async (_: AbortSignal, commit: Commit): Promise<string> => {
    const bytes = JSON.stringify({ order: number });
    await commit(bytes, 'unsafe');
    acknowledged({ what: 'intent', task: task.id, key: 'pay', bytes });
    const reference = `there-${number}`;
    await commit.reference(reference);
    acknowledged({ what: 'reference', task: task.id, key: 'pay', reference });
    return 'paid';
  };
  // A call that an earlier life may have made is not made again.
  if (context.unfinished('pay') === undefined) await context.step('pay', pay);
  const response = await context.requestInput(key, form);
  const said = await context.step('after', async () => JSON.stringify(response));
  return { content: [text(said)], stop: 'answer', usage: noUsage };
};

async function startOne(engine: TaskEngine, number: number): Promise<void> {
  await follow(engine, await engine.start({ agent: 'bench', owner, input: { number } }));
}

async function follow(engine: TaskEngine, { id, input }: Task): Promise<void> {
  acknowledged({ what: 'task', task: id, input });
  for await (const event of engine.watch(id, owner)) {
    if (event.type !== 'status') continue;
    if (event.task.status === 'input_required') await reply(engine, event.task);
    else if (isTerminal(event.task)) ended(event.task);
  }
}

async function reply(engine: TaskEngine, task: Task & { status: 'input_required' }): Promise<void> {
  const number = numberOf(task);
  const [wireKey = ''] = Object.keys(task.inputRequests);
  acknowledged({ what: 'question', task: task.id, key, wireKey });
  if (number % 7 === 3) {
    ended(await engine.cancel(task.id, owner, { channel: 'bench' }));
  } else if (number % 5 === 1 && wireKey === key) {
    const again = await engine.respond(task.id, owner, { [wireKey]: { action: 'cancel' } }, { channel: 'bench' });
    const [next] = again.status === 'input_required' ? Object.keys(again.inputRequests) : [];
    if (next !== undefined) acknowledged({ what: 'question', task: task.id, key, wireKey: next });
  } else {
    const content = { colour: `colour ${number}` };
    await engine.respond(task.id, owner, { [wireKey]: { action: 'accept', content } }, { channel: 'bench' });
    acknowledged({ what: 'answer', task: task.id, key, content });
  }
}

const ended = (task: Task): void =>
  acknowledged({ what: 'end', task: task.id, status: task.status, result: resultOf(task) });

/** `synchronous = normal` and nothing else, where there are no barriers. */
function openStore(): Store {
  const store = openSqliteStore(file);
  return barriers === 'without-barriers' ? { ...store, sync: async () => {} } : store;
}

const engine = createEngine({ store: openStore(), handler, log: silentLog });
const left = (await engine.list({ owner, limit: 1_000 })).map((task) => follow(engine, task));
let next = 0;
const many = async (): Promise<void> => {
  while (next < tasks) {
    next += 1;
    // In the middle of things: what others of them write may be on its way.
    if (end === 'killed' && next === tasks / 2) process.kill(process.pid, 'SIGKILL');
    await startOne(engine, next);
  }
};
await Promise.all([...left, ...Array.from({ length: width }, many)]);
// Otherwise the write-ahead log is left as it is.
if (end === 'closed') await engine.close();
else process.exit();
