/** Files that earlier versions of Deputy wrote open in this one, and their tasks go on. */
import { copyFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, expect, test } from 'vitest';
import { createEngine } from '../../src/engine/engine.ts';
import { openSqliteStore } from '../../src/engine/sqlite/store.ts';
import { silentLog } from '../../src/log.ts';
import type { TaskEngine, TaskKeeper } from '../../src/task/engine.ts';
import { collect, via } from './tasks.ts';
import { approval, journey, mandate, trace } from './fixtures/journey.ts';
import { openKeys } from './questions.ts';

const folder = mkdtempSync(join(tmpdir(), 'deputy-fixtures-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const fixtures = new URL('fixtures/', import.meta.url).pathname;
const files = readdirSync(fixtures).filter((name) => name.endsWith('.db'));

test('there is a fixture of every version of the tables', () => {
  const path = join(folder, 'new.db');
  void openSqliteStore(path).close();
  const db = new DatabaseSync(path);
  const { user_version: version } = db.prepare('pragma user_version').get() ?? {};
  db.close();
  expect(files).toContain(`schema-${String(version)}.db`);
});

test.each(files)('%s: what has ended is there, what waited is answered, what was at work goes on', async (name) => {
  const path = join(folder, name);
  copyFileSync(join(fixtures, name), path);
  const engine = createEngine({ store: openSqliteStore(path), handler: journey, log: silentLog });
  const tasks = new Map((await engine.list({ owner: 'ann' })).map((task) => [task.agent, task]));
  const idOf = (agent: string): string => tasks.get(agent)?.id ?? '';
  const ended = async (agent: string): Promise<unknown> => {
    await collect(engine.watch(idOf(agent), 'ann'));
    const task = await engine.get(idOf(agent), 'ann');
    return task.status === 'completed'
      ? JSON.parse(task.result.content.map((block) => ('text' in block ? block.text : '')).join(''))
      : task.status;
  };
  const asking = await engine.get(idOf('asks'), 'ann');
  await engine.respond(asking.id, 'ann', { [openKeys(asking)[0] ?? '']: { action: 'decline' } }, via);
  expect(await ended('quick')).toEqual(['kept']);
  expect(await ended('asks')).toEqual(['kept', { action: 'decline' }]);
  expect(await ended('left')).toEqual(['kept', '{"n": 1}', 'unsafe', 'remote-1']);
  expect(await ended('cancelled')).toBe('cancelled');
  if (tasks.has('supervised')) await goOnSupervised(engine, idOf, ended);
  if (tasks.has('called')) await goOnCalled(engine, idOf, ended);
  else expect(await engine.leftBehind()).toEqual([]);
  await engine.close();
});

/** What files have from version 3 on. */
async function goOnSupervised(
  engine: TaskEngine & TaskKeeper,
  idOf: (agent: string) => string,
  ended: (agent: string) => Promise<unknown>,
): Promise<void> {
  const asks = await engine.get(idOf('supervised'), 'ann');
  expect(asks.definition).toBe('d1');
  expect(await engine.definition('d1')).toBe('agents: {}');
  await engine.respond(asks.id, 'ann', { [openKeys(asks)[0] ?? '']: { action: 'accept', content: {} } }, via);
  expect(await ended('supervised')).toEqual(['kept', 'accept', ['be quick'], 'long']);
  expect((await engine.record(asks.id, 'ann')).intents.get('call')?.approval).toBe(approval.hash);
  expect((await engine.get(idOf('sleeps'), 'ann')).statusMessage).toBe('it sleeps');
  await engine.retry(idOf('sleeps'), 'ann', via);
  expect(await ended('sleeps')).toEqual(['kept', 'awake']);
  expect(await ended('expires')).toEqual(['kept', { action: 'expired' }]);
  expect(await engine.verifyAudit()).toMatchObject({ kind: 'intact' });
}

/** What files have from version 4 on. */
async function goOnCalled(
  engine: TaskEngine & TaskKeeper,
  idOf: (agent: string) => string,
  ended: (agent: string) => Promise<unknown>,
): Promise<void> {
  const id = idOf('called');
  expect(await engine.called()).toEqual([{ id, owner: 'ann' }]);
  const asks = await engine.get(id, 'ann');
  expect(asks).toMatchObject({ mandate, trace });
  await engine.respond(id, 'ann', { [openKeys(asks)[0] ?? '']: { action: 'decline' } }, via);
  expect(await ended('called')).toEqual(['kept', trace, { action: 'decline' }]);
  expect(await engine.called()).toEqual([]);
  const [left, ...others] = await engine.leftBehind();
  expect(left).toEqual({
    task: idOf('calls'),
    key: 'call',
    tool: 'lab/triage',
    reference: 'remote-2',
    definition: 'd1',
  });
  expect(others).toEqual([]);
  if (left !== undefined) await engine.letGo(left);
  expect(await engine.leftBehind()).toEqual([]);
}

test('a file of a newer version is refused, and says what to do', () => {
  const path = join(folder, 'newer.db');
  void openSqliteStore(path).close();
  const db = new DatabaseSync(path);
  db.exec('pragma user_version = 999');
  db.close();
  expect(() => openSqliteStore(path)).toThrow(/newer version of Deputy \(999 > \d+\); update this one/);
});
