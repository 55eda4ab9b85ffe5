/** What the bench does with tasks, and how it knows that none was lost: every check throws, and names what is missing. */
import { setTimeout as sleep } from 'node:timers/promises';
import { sideBySide } from '../overhead/side-by-side.ts';
import type { Caller, TaskSeen } from './caller.ts';
import { type Ledger, waitedFor } from './ledger.ts';

/** Starts side by side. */
const lanes = 64;
/** After this long something is lost, not late. */
const patienceMs = 600_000;

const parkingOrder = (index: number): string => `order ${index}`;
const slowOrder = (index: number): string => `slow order ${index}`;

/** Starts tasks until all of them wait for a person. @returns their ids. */
export async function park(count: number, caller: Caller, ledger: Ledger): Promise<string[]> {
  const ids = await sideBySide(count, lanes, async (index) => {
    const id = await caller.start('parking', parkingOrder(index));
    // Not faster than they come to wait.
    await ledger.paid(parkingOrder(index));
    return id;
  });
  await allAre(caller, new Map(ids.map((id) => [id, 'input_required'])));
  return ids;
}

/** Starts tasks until all of them are in their slow step. @returns their ids. */
export async function occupy(count: number, caller: Caller, ledger: Ledger): Promise<string[]> {
  const ids = await sideBySide(count, lanes, (index) => caller.start('slow', slowOrder(index)));
  await allAtWork(count, ledger);
  return ids;
}

export const allAtWork = (count: number, ledger: Ledger): Promise<void> =>
  until(() =>
    ledger.waiting() === count ? undefined : `${ledger.waiting()} of ${count} tasks are in their slow step`,
  );

/** Answers waiting tasks, one by one in each lane, and waits until each has completed with what it was told. */
export async function answer(ids: readonly string[], caller: Caller): Promise<void> {
  await sideBySide(ids.length, lanes, async (index) => {
    const id = ids[index] ?? '';
    const [key] = Object.keys((await caller.get(id)).inputRequests ?? {});
    if (key === undefined) throw new Error(`Task ${id} asks nothing.`);
    const content = { decision: 'happened', result: receiptOf(id) };
    await caller.answer(id, { [key]: { action: 'accept', content } });
    await until(async () => {
      const task = await caller.get(id);
      return task.status === 'completed' ? undefined : `task ${id} was answered and is ${task.status}`;
    });
    expectAnswer(await caller.get(id), receiptOf(id));
  });
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

/** Every order was paid once: also those whose process was killed. */
export function checkPayments(count: number, { payments }: Ledger): void {
  for (let index = 0; index < count; index += 1) {
    const times = payments.get(parkingOrder(index)) ?? 0;
    if (times !== 1) throw new Error(`The ${parkingOrder(index)} was paid ${times} times.`);
  }
}

const receiptOf = (id: string): string => `receipt of ${id}`;

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
