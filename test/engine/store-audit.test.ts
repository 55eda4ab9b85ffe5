/** The audit log under attack: whatever is done to it shows; what only an anchor can show, shows against the anchor. */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, expect, test } from 'vitest';
import { type Anchor, chainCheck, entryHash, entryText, verifyChain } from '../../src/engine/audit-chain.ts';
import { openSqliteStore } from '../../src/engine/sqlite/store.ts';
import type { Store, Write } from '../../src/engine/store.ts';
import { isJsonObject, type Json, type JsonObject } from '../../src/json.ts';
import type { AuditEntry, AuditVerdict } from '../../src/task/audit.ts';
import type { InputRequest } from '../../src/task/question.ts';
import { anchorOf, asked, begun, by, everything, form, random } from './store-values.ts';

const folder = mkdtempSync(join(tmpdir(), 'deputy-audit-'));
let files = 0;
const newFile = (): string => join(folder, `${(files += 1)}.db`);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Tasks that ask, are answered, call and end: ten entries each. */
async function live(store: Store, from: number, tasks: number): Promise<void> {
  for (let number = from; number < from + tasks; number += 1) {
    const run = { id: `t${number}`, fence: 1 };
    const at = 1_000 + number;
    const approval = {
      hash: `h${number}`,
      chain: ['a'],
      tool: 's/send',
      bytes: `{"n":${number}}`,
      effect: 'unsafe',
      rule: 'agents.yaml:3',
    } as const;
    const intent = (key: string): Write => ({ kind: 'intent', ...run, at, key, bytes: '{}', effect: 'idempotent' });
    await store.write([
      begun(run.id),
      asked('q', at, { request: { ...form, approval } as InputRequest }, run),
      intent('c0'),
    ]);
    const content = { decision: 'approve', note: `${number}` };
    await store.answer(run.id, 'q', { response: { action: 'accept', content }, by, at });
    await store.write([intent('c1'), intent('c2')]);
    const notes = [{ action: 'denied' as const, tool: 's/x', detail: { number, list: [number, null, { a: 'b' }] } }];
    await store.write([{ kind: 'step', ...run, at, key: 's', value: '1', notes }, intent('c3')]);
    await store.send(run.id, 'on you go', by, at);
    await store.cancel(run.id, by, at);
  }
}

const verdict = (log: readonly AuditEntry[], anchor?: Anchor): AuditVerdict => {
  const check = chainCheck(anchor);
  for (const entry of log) {
    const broken = check.next(entry);
    if (broken !== undefined) return broken;
  }
  return check.end();
};

/** Something else than `value`, of any type. */
function edited(value: Json, next: (n: number) => number): Json {
  if (isJsonObject(value)) return editedObject(value, next);
  if (Array.isArray(value)) return value.length === 0 ? [0] : value.slice(0, next(value.length));
  if (typeof value === 'number') return value + 1 + next(5);
  if (typeof value !== 'string') return 'else';
  const at = next(value.length + 1);
  const kinds = [
    () => `${value.slice(0, at)}x${value.slice(at)}`,
    () => (value.length === 0 ? ' ' : value.slice(0, -1)),
    () => (value === value.toUpperCase() ? `${value} ` : value.toUpperCase()),
    () => null,
  ];
  return (kinds[next(kinds.length)] ?? (() => null))();
}

function editedObject(object: JsonObject, next: (n: number) => number): JsonObject {
  const keys = Object.keys(object);
  const key = keys[next(keys.length)];
  if (key === undefined || next(8) === 0) return { ...object, extra: 1 };
  const { [key]: value, ...others } = object;
  if (value === undefined) return others;
  return (
    [others, { ...others, [`${key}2`]: value }, { ...object, [key]: edited(value, next) }][Math.min(next(6), 2)] ?? {}
  );
}

const forge = (log: AuditEntry[], from: number): AuditEntry[] => {
  let before = log[from - 1]?.hash ?? '';
  return log.map((entry, i) => {
    if (i < from) return entry;
    const made = { ...entry, seq: i + 1 };
    before = entryHash(before, made);
    return { ...made, hash: before };
  });
};
const without = (log: readonly AuditEntry[], at: number, count = 1): AuditEntry[] => log.toSpliced(at, count);
const edit = (log: readonly AuditEntry[], at: number, next: (n: number) => number): AuditEntry[] =>
  log.with(at, edited(log[at] as unknown as Json, next) as unknown as AuditEntry);

const isSame = (a: AuditEntry, b: AuditEntry | undefined): boolean =>
  a === b || (b !== undefined && a.hash === b.hash && entryText(a) === entryText(b));

type Attack = (log: readonly AuditEntry[], at: number, next: (n: number) => number) => AuditEntry[];
/** Those that the chain shows by itself. */
const attacks: Record<string, Attack> = {
  edit,
  'edit, and hash that entry anew': (log, at, next) => {
    // The last entry has no neighbour that would tell.
    const i = Math.min(at, log.length - 2);
    const changed = edit(log, i, next);
    return changed.with(i, forge(changed, i)[i] as AuditEntry);
  },
  'edit a hash': (log, at) => {
    const entry = log[at] as AuditEntry;
    const hash = `${entry.hash.startsWith('0') ? '1' : '0'}${entry.hash.slice(1)}`;
    return log.with(at, { ...entry, hash });
  },
  delete: (log, at) => without(log, Math.min(at, log.length - 2)),
  'delete, and count anew': (log, at) => {
    const i = Math.min(at, log.length - 2);
    return without(log, i).map((entry, place) => ({ ...entry, seq: place + 1 }));
  },
  swap: (log, at, next) => {
    const other = (at + 1 + next(log.length - 1)) % log.length;
    return log.with(at, log[other] as AuditEntry).with(other, log[at] as AuditEntry);
  },
  'swap, and count anew': (log, at, next) => {
    const other = (at + 1 + next(log.length - 1)) % log.length;
    return log
      .with(at, { ...(log[other] as AuditEntry), seq: at + 1 })
      .with(other, { ...(log[at] as AuditEntry), seq: other + 1 });
  },
  'put in a copy': (log, at) => log.toSpliced(at, 0, log[at] as AuditEntry),
  'put in one that fits the entry before it': (log, at) => {
    const i = Math.min(at, log.length - 1);
    const put = log.toSpliced(i, 0, { ...(log[i] as AuditEntry), task: 'forged' });
    return put.with(i, forge(put, i)[i] as AuditEntry).map((entry, place) => ({ ...entry, seq: place + 1 }));
  },
  'drop the beginning': (log, at) => log.slice(Math.max(1, at)),
  'begin again with the first that is left': (log, at) =>
    log.slice(Math.max(1, at)).map((entry, place) => ({ ...entry, seq: place + 1 })),
};
/** Those that only an anchor shows. */
const cleanAttacks: Record<string, Attack> = {
  'drop the end': (log, at) => log.slice(0, at),
  'edit, and hash all that follows anew': (log, at, next) => {
    const detail = { forged: next(1_000) };
    return forge(log.with(at, { ...(log[at] as AuditEntry), detail }), at);
  },
  'delete, and hash all that follows anew': (log, at) => forge(without(log, at), at),
};

test('10,000 random edits, deletions, moves, insertions and truncations: each is detected', async () => {
  const store = openSqliteStore(':memory:');
  await live(store, 0, 8);
  const log = await everything(store);
  await store.close();
  expect(log).toHaveLength(80);
  const anchor = anchorOf(log);
  expect(verdict(log, anchor)).toEqual({ kind: 'intact', entries: 80, isAnchored: true });
  const all = Object.entries({ ...attacks, ...cleanAttacks });
  const missed: string[] = [];
  const tried = new Map<string, number>();
  for (let attempt = 0, made = 0; made < 10_000; attempt += 1) {
    const next = random(attempt);
    const [name, attack] = all[attempt % all.length] ?? ['none', () => []];
    const after = attack(log, next(log.length), next);
    // An edit of what is computed anew afterwards.
    if (after.length === log.length && after.every((entry, i) => isSame(entry, log[i]))) continue;
    made += 1;
    tried.set(name, (tried.get(name) ?? 0) + 1);
    const needsAnchor = name in cleanAttacks;
    if (verdict(after, needsAnchor ? anchor : undefined).kind === 'intact') missed.push(`${name} (${attempt})`);
  }
  expect(missed).toEqual([]);
  expect([...tried.values()].every((count) => count > 500)).toBe(true);
}, 300_000);

test('without an anchor a clean cut and a log that was written anew look whole: that is what the anchor is for', async () => {
  const store = openSqliteStore(':memory:');
  await live(store, 0, 2);
  const log = await everything(store);
  await store.close();
  for (const attack of Object.values(cleanAttacks)) expect(verdict(attack(log, 7, random(1))).kind).toBe('intact');
});

test('a verdict says where and why', async () => {
  const store = openSqliteStore(':memory:');
  await live(store, 0, 1);
  const log = await everything(store);
  await store.close();
  expect(verdict(log.with(3, { ...(log[3] as AuditEntry), at: 1 }))).toEqual({
    kind: 'broken',
    seq: 4,
    why: 'it is not what was written, or does not follow the entry before it',
  });
  expect(verdict(without(log, 3))).toMatchObject({ seq: 4, why: 'entry 5 stands where entry 4 should' });
  expect(verdict(log.slice(0, 6), anchorOf(log))).toMatchObject({ seq: 7, why: expect.stringContaining('10 entries') });
  expect(verdict(forge(without(log, 2), 2), { ...anchorOf(log), seq: 9 })).toMatchObject({ seq: 9 });
  expect(await verifyChain(log, anchorOf(log.slice(0, 5)))).toMatchObject({ kind: 'intact', entries: 10 });
});

test('the text of an entry is one, in whatever order its parts come', () => {
  const entry: Omit<AuditEntry, 'hash'> = {
    seq: 1,
    at: 2,
    task: 't',
    action: 'ended',
    detail: { b: [{ d: 1, c: 2 }], a: 'é\u2028' },
  };
  const other: typeof entry = {
    detail: { a: 'é\u2028', b: [{ c: 2, d: 1 }] },
    action: 'ended',

    task: 't',
    at: 2,
    seq: 1,
  };
  expect(entryText(other)).toBe(entryText(entry));
  expect(entryText(entry)).toBe(
    '{"action":"ended","at":2,"detail":{"a":"é\u2028","b":[{"c":2,"d":1}]},"seq":1,"task":"t"}',
  );
});

test.each([
  ['a letter', `update audit set entry = replace(entry, 'approve', 'Approve') where seq = 4`],
  ['a space', `update audit set entry = replace(entry, ':', ': ') where seq = 4`],
  ['an escaped letter', `update audit set entry = replace(entry, '"a"', '"\\u0061"') where seq = 1`],
  ['a member twice', `update audit set entry = replace(entry, '{"action"', '{"action":"sent","action"') where seq = 4`],
  ['half an entry', `update audit set entry = substr(entry, 1, 20) where seq = 4`],
  ['no entry', `update audit set entry = '[]' where seq = 4`],
  ['nothing', `update audit set entry = '' where seq = 4`],
  ['the number of a row', 'update audit set seq = seq + 1000 where seq = 20'],
  ['a row', 'delete from audit where seq = 4'],
  ['the first row', 'delete from audit where seq = 1'],
  ['the last row', 'delete from audit where seq = 20'],
  ['all rows', 'delete from audit'],
  [
    'two texts',
    `update audit set entry = (select entry from audit as other where other.seq = 9 - audit.seq) where seq in (4, 5)`,
  ],
])('in the file: %s that is changed shows', async (_, change) => {
  const path = newFile();
  const store = openSqliteStore(path);
  await live(store, 0, 2);
  await store.close();
  const db = new DatabaseSync(path);
  expect(Number(db.prepare(change).run().changes)).toBeGreaterThan(0);
  db.close();
  const again = openSqliteStore(path);
  expect(await verifyChain(await everything(again), await again.anchor())).toMatchObject({ kind: 'broken' });
  await again.close();
  const third = openSqliteStore(path);
  expect(await verifyChain(await everything(third), await third.anchor())).toMatchObject({ kind: 'broken' });
  await third.close();
});

test('what was cut off shows also when the log has grown over the cut', async () => {
  const path = newFile();
  const store = openSqliteStore(path);
  await live(store, 0, 2);
  await store.close();
  const db = new DatabaseSync(path);
  db.exec('delete from audit where seq > 15');
  db.close();
  const again = openSqliteStore(path);
  await live(again, 2, 2);
  expect(await verifyChain(await everything(again))).toMatchObject({ kind: 'intact', entries: 35 });
  expect(await verifyChain(await everything(again), await again.anchor())).toMatchObject({ kind: 'broken', seq: 20 });
  await again.close();
  // The note stays, however far the log has come since, until a person removes it.
  const third = openSqliteStore(path);
  await live(third, 4, 2);
  await third.close();
  const fourth = openSqliteStore(path);
  expect(await verifyChain(await everything(fourth), await fourth.anchor())).toEqual({
    kind: 'broken',
    seq: 20,
    why: expect.stringMatching(/noted \(.*\.audit-head\): the log was written anew, or an older backup .* remove /),
  });
  rmSync(`${path}.audit-head`);
  await live(fourth, 6, 1);
  await fourth.close();
  const last = openSqliteStore(path);
  const log = await everything(last);
  expect(await last.anchor()).toMatchObject(anchorOf(log));
  expect(await verifyChain(log, await last.anchor())).toMatchObject({ kind: 'intact', isAnchored: true });
  await last.close();
});

test('a store that is restored from a backup says so, and what to do about its note', async () => {
  const [path, saved] = [newFile(), newFile()];
  const store = openSqliteStore(path);
  await live(store, 0, 1);
  await store.backup(saved);
  await live(store, 1, 1);
  await store.close();
  for (const beside of ['-wal', '-shm']) rmSync(path + beside, { force: true });
  copyFileSync(saved, path);
  const restored = openSqliteStore(path);
  const note = `${path}.audit-head`;
  expect(await verifyChain(await everything(restored), await restored.anchor())).toEqual({
    kind: 'broken',
    seq: 11,
    why:
      `the log ends before it, and had 20 entries (${note}): entries were dropped from its end, or an older backup ` +
      `stands in the place of the store. Where you restored one on purpose, remove ${note}: it is written anew`,
  });
  await restored.close();
});

test('what stands there and is no entry is shown as it is', async () => {
  const path = newFile();
  const store = openSqliteStore(path);
  await live(store, 0, 1);
  await store.close();
  const db = new DatabaseSync(path);
  db.exec(`update audit set entry = 'rubbish' where seq = 3`);
  db.close();
  const again = openSqliteStore(path);
  const log = await everything(again);
  expect(log[2]).toMatchObject({ seq: 3, action: 'unreadable', detail: 'rubbish' });
  expect(log[3]).toMatchObject({ seq: 4, action: 'answered' });
  await again.close();
});

test('several processes write one chain', async () => {
  const path = newFile();
  const stores = [openSqliteStore(path), openSqliteStore(path), openSqliteStore(path)];
  await Promise.all(stores.map((store, i) => live(store, i * 100, 5)));
  const [first] = stores as [Store];
  const log = await everything(first);
  expect(await verifyChain(log)).toMatchObject({ kind: 'intact', entries: 150 });
  for (const store of stores) await store.close();
  const last = openSqliteStore(path);
  expect(await last.anchor()).toMatchObject(anchorOf(log));
  await last.close();
});

test('the anchor never promises more than survives a power cut, and only its owner may read it', async () => {
  const path = newFile();
  const store = openSqliteStore(path);
  await live(store, 0, 1);
  expect(await store.anchor()).toBeUndefined();
  await store.close();
  const file = `${path}.audit-head`;
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ seq: 10 });
});
