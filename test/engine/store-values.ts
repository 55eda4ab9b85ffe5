/** What the contracts of stores write, and read back. */
import type { Anchor } from '../../src/engine/audit-chain.ts';
import type { Store, Write } from '../../src/engine/store.ts';
import type { AuditEntry } from '../../src/task/audit.ts';
import type { Approval, InputRequest, Question, Timer } from '../../src/task/question.ts';
import type { Task } from '../../src/task/task.ts';

export const by = { owner: 'ann', channel: 'test', client: 'vitest' };
export const form: InputRequest = { kind: 'form', message: 'Which?', schema: {} };
export const timer: Timer = { kind: 'timer', message: 'the model is away' };
export const approval: Approval = {
  hash: 'h1',
  chain: ['a'],
  tool: 's/send',
  bytes: '{"to":"bob"}',
  effect: 'unsafe',
  rule: 'agents.yaml:3',
};

const taskOf = (id: string, more: Partial<Task> = {}): Task =>
  ({
    id,
    agent: 'a',
    input: {},
    owner: 'ann',
    conversation: id,
    createdAt: 1_000,
    updatedAt: 1_000,
    ttlMs: 10_000,
    status: 'working',
    ...more,
  }) as Task;
/** At work at the instance `i`, unless it is to wait. */
export const begun = (id: string, more: Partial<Task> = {}): Write => ({
  kind: 'task',
  instance: 'i',
  task: taskOf(id, more),
});
export const waiting = (id: string, more: Partial<Task> = {}): Write => ({ kind: 'task', task: taskOf(id, more) });

export const run = { id: 't', fence: 1 };
export const asked = (key: string, at: number, more: Partial<Question> = {}, of = run): Write => ({
  kind: 'question',
  ...of,
  at,
  question: { key, wireKey: key, request: form, askedAt: at, ...more },
});
export const intent = (key: string, hash?: string): Write => ({
  kind: 'intent',
  ...run,
  at: 2_000,
  key,
  bytes: '{"to":"bob"}',
  effect: 'unsafe',
  grant: { tool: 's/send', rule: 'agents.yaml:3', ...(hash !== undefined && { approval: hash }) },
});
export const ended = (id: string, at: number, fence = 1): Write => ({
  kind: 'end',
  id,
  fence,
  at,
  status: 'completed',
  outcome: '{"result":{"content":[],"stop":"answer"}}',
});
export const accepted = (at: number) => ({ response: { action: 'accept' as const, content: {} }, by, at });
export const everything = (store: Store): Promise<AuditEntry[]> => store.audit(0, 1e6);

/** With these writes. */
export async function openWith(open: () => Store, ...writes: Write[]): Promise<Store> {
  const store = open();
  await store.write(writes);
  return store;
}

/** How the task `id` stands. */
export async function stateIn(store: Store, id = 't') {
  const task = await store.task(id);
  const keys = task?.status === 'input_required' ? Object.keys(task.inputRequests) : [];
  return { status: task?.status, keys, message: task?.statusMessage, ttlMs: task?.ttlMs };
}

/** @returns whole numbers from 0 to below n, the same for the same seed (mulberry32). */
export function random(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * n);
  };
}

export const anchorOf = (log: readonly AuditEntry[]): Anchor => ({
  seq: log.length,
  hash: log.at(-1)?.hash ?? '',
});
