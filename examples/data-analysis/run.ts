/** Half way through, the process is killed; another one goes on, and the figures are those of the database. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { check, deputy, type Place, say, scratch, start } from '../deputy.ts';

const here = import.meta.dirname;
const killedAfter = 4;

export async function dataAnalysis(): Promise<void> {
  install();
  const folder = scratch('analysis');
  const shop = join(folder, 'shop.db');
  const orders = fill(shop);
  say(`${orders} orders in ${shop}`);
  const place: Place = {
    folder: here,
    env: { SHOP_DSN: `sqlite://${shop}`, DESK: folder, STORE: join(folder, 'store', 'deputy.db') },
  };

  const { task, regions } = await untilKilled(place);
  say(`kill -9 after ${regions} of 8 regions`);
  const before = await recordsOf(place, task);
  const { code, out } = await deputy(place, 'run', '--resume', task, '--json');
  say(JSON.parse(out).answer);
  check(code === 0, 'another process has brought the task to its end');
  const { sum } = query(shop, 'select sum(amount) as sum from orders');
  const report = readFileSync(join(folder, 'report.md'), 'utf8');
  check(report.includes(`In all ${(Number(sum) / 100).toFixed(2)} euros.`), 'the report has the sum of the database');
  const after = new Set(await recordsOf(place, task));
  check(
    before.length > 0 && before.every((step) => after.has(step)),
    `nothing of ${before.length} steps was done again`,
  );
}

/** Each with its time. */
async function recordsOf(place: Place, task: string): Promise<string[]> {
  const { out } = await deputy(place, '-q', 'tasks', 'export', task);
  return (JSON.parse(out) as { steps: object[] }).steps.map((step) => JSON.stringify(step));
}

/** Dies with a part of the regions done. */
async function untilKilled(place: Place): Promise<{ task: string; regions: number }> {
  const child = start(place, ['run', 'analysis', 'How was the year?', '--stream-json']);
  let task = '';
  let regions = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const event = JSON.parse(line) as { type: string; task?: { id: string }; agent?: string };
    task ||= event.task?.id ?? '';
    if (event.type === 'agent_end' && event.agent === 'region') say(`region ${(regions += 1)} is done`);
    if (regions === killedAfter) break;
  }
  child.kill('SIGKILL');
  if (child.exitCode === null && child.signalCode === null) await once(child, 'close');
  return { task, regions };
}

function install(): void {
  if (existsSync(join(here, 'node_modules'))) return;
  say('npm ci, for the database server');
  execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: here, stdio: 'inherit' });
}

/** @returns how many orders there are. */
function fill(file: string): number {
  const [, ...rows] = readFileSync(join(here, 'data', 'orders.csv'), 'utf8')
    .trim()
    .split('\n');
  const db = new DatabaseSync(file);
  db.exec('create table orders (id integer primary key, region text, month text, amount integer, items integer)');
  const insert = db.prepare('insert into orders values (?, ?, ?, ?, ?)');
  for (const row of rows) insert.run(...row.split(','));
  db.close();
  return rows.length;
}

function query(file: string, sql: string): Record<string, unknown> {
  const db = new DatabaseSync(file, { readOnly: true });
  const row = db.prepare(sql).get();
  db.close();
  return row ?? {};
}
