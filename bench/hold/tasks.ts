/** What the bench does with tasks, and how it knows that none was lost: every check throws, and names what is missing. */
import { setTimeout as sleep } from 'node:timers/promises';
import { sideBySide } from '../overhead/side-by-side.ts';
import type { Caller, TaskSeen } from './caller.ts';
import { type Ledger, receiptOf, waitedFor } from './ledger.ts';

/** Starts side by side. */
const lanes = 64;
/** A task is looked at when as many more were started: by then it waits, mostly, and one look is enough. */
const backlog = 64;
/** After this long something is lost, not late. */
const patienceMs = 600_000;

const parkingOrder = (index: number): string => `order ${index}`;
const slowOrder = (index: number): string => `slow order ${index}`;

/** A task that asks whether it may pay an order. */
export interface Parked {
  id: string;
  order: string;
}

/** Starts tasks until all of them wait for a person. */
export async function park(count: number, caller: Caller): Promise<Parked[]> {
  const started: Parked[] = [];
  await sideBySide(count, lanes, async (index) => {
    const order = parkingOrder(index);
    started.push({ id: await caller.start('parking', order, order), order });
    // Not faster than they come to wait.
    const earlier = started.at(-1 - backlog);
    if (earlier !== undefined) await hasStatus('input_required', earlier, caller);
  });
  await allAre(caller, new Map(started.map(({ id }) => [id, 'input_required'])));
  return started;
}

/** Starts tasks until all of them are in their slow step. @returns their ids. */
export async function occupy(count: number, caller: Caller, ledger: Ledger): Promise<string[]> {
  const ids = await sideBySide(count, lanes, (index) => caller.start('slow', slowOrder(index), slowOrder(index)));
  await allAtWork(count, ledger);
  return ids;
}

export const allAtWork = (count: number, ledger: Ledger): Promise<void> =>
  until(() =>
    ledger.waiting() === count ? undefined : `${ledger.waiting()} of ${count} tasks are in their slow step`,
  );

/** Approves what waiting tasks ask, one by one in each lane, and waits until each has completed with its receipt. */
export async function answer(chosen: readonly Parked[], caller: Caller): Promise<void> {
  await sideBySide(chosen.length, lanes, async (index) => {
    const task = chosen[index];
    if (task === undefined) return;
    const [asked, ...more] = Object.entries((await caller.get(task.id)).inputRequests ?? {});
    if (asked === undefined || more.length > 0) throw new Error(`Task ${task.id} does not ask one question.`);
    const [key, question] = asked;
    // The arguments stand in the text of the form, as JSON in JSON.
    if (!JSON.stringify(question).includes(JSON.stringify(JSON.stringify(task.order)).slice(1, -1)))
      throw new Error(`Task ${task.id} does not ask about ${task.order}: ${JSON.stringify(question)}`);
    await caller.answer(task.id, { [key]: { action: 'accept', content: { decision: 'approve' } } });
    expectAnswer(await hasStatus('completed', task, caller), receiptOf(task.order));
  });
}

/** Waits until the task has this status. */
async function hasStatus(status: string, { id }: Parked, caller: Caller): Promise<TaskSeen> {
  let task = await caller.get(id);
  await until(async () => {
    if (task.status !== status) task = await caller.get(id);
    return task.status === status ? undefined : `task ${id} is to be ${status} and is ${task.status}`;
  });
  return task;
}

/** Waits until the server's list holds exactly these tasks, each with its status. */
export async function allAre(caller: Caller, expected: ReadonlyMap<string, string>): Promise<void> {
  await until(async () => {
    const listed = await caller.list();
    const wrong = [...expected].filter(([id, status]) => listed.get(id) !== status);
    const [first] = wrong;
    if (first !== undefined)
      return `${wrong.length} of ${expected.size} tasks are lost or not ${first[1]}: ${first[0]} is ${listed.get(first[0]) ?? 'not there'}`;
    return listed.size === expected.size ? undefined : `${listed.size} tasks are listed, ${expected.size} were started`;
  });
}

/** Every slow task has the answer of its own order. */
export async function checkSlow(ids: readonly string[], caller: Caller): Promise<void> {
  await sideBySide(ids.length, lanes, async (index) =>
    expectAnswer(await caller.get(ids[index] ?? ''), waitedFor(slowOrder(index))),
  );
}

/** What was approved was paid once, and nothing else was paid. */
export function checkPayments(approved: readonly Parked[], { payments }: Ledger): void {
  const orders = new Set(approved.map(({ order }) => order));
  for (const order of new Set([...orders, ...payments.keys()])) {
    const times = payments.get(order) ?? 0;
    if (!orders.has(order)) throw new Error(`The ${order} was paid, and nobody approved it.`);
    if (times !== 1) throw new Error(`The ${order} was approved and paid ${times} times.`);
  }
}

function expectAnswer({ taskId, status, result }: TaskSeen, expected: string): void {
  const said = result?.content.map(({ text }) => text).join('');
  if (said !== expected) throw new Error(`Task ${taskId} is ${status} and says "${said}", not "${expected}".`);
}

/** Asks `fault` again until there is none. @throws Error the last one, when that takes too long. */
async function until(fault: () => Promise<string | undefined> | string | undefined): Promise<void> {
  const begun = performance.now();
  for (let pauseMs = 20; ; pauseMs = Math.min(500, pauseMs * 1.5)) {
    const why = await fault();
    if (why === undefined) return;
    if (performance.now() - begun > patienceMs) throw new Error(`After ${patienceMs / 1000} s ${why}.`);
    await sleep(pauseMs);
  }
}
