/** One Deputy over HTTP, killed at random moments, over and over on one store. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { startCountingHttp } from './counting-http.ts';
import { Driver } from './driver.ts';
import { someEffects } from './effects.ts';
import { effectFigures, type Figures, isSetAside, taskFigures } from './figures.ts';
import { openTasks, questionsAsked, tasksStored, unknownCalls } from './journal.ts';
import type { Options } from './options.ts';
import { plan } from './plan.ts';
import { startLife, type Life } from './served.ts';

/** How many of the kills may hit a server that does not serve yet, and how early. */
const early = 0.15;
const earlyMs = 1_000;
/** After this long a task is stuck, not late. */
const lastPatienceMs = 600_000;

const unsafe = plan.flat().flatMap(({ tool, letter }) => (tool.endsWith('/pay') ? [letter] : []));

export async function killOneLevel({ kills, control, json }: Options): Promise<Figures> {
  const folder = mkdtempSync(join(tmpdir(), 'deputy-kill-'));
  const effects = join(folder, 'effects.txt');
  const store = join(folder, 'deputy.db');
  writeFileSync(effects, '');
  const lab = await startCountingHttp(effects);
  const env = {
    BENCH_EFFECTS: effects,
    BENCH_LAB_URL: lab.url,
    BENCH_STORE: store,
    ...(control && { BENCH_PAY: 'idempotent' }),
  };
  const driver = new Driver(
    effects,
    'worker',
    (order) => order,
    (order) => `done ${order}`,
  );
  const unknown = new Set<string>();
  let killsBeforeServing = 0;
  let life: Life | undefined;
  try {
    for (let count = 0; count < kills; count++) {
      life = startLife(env);
      if (!(await liveAndDie(life, driver, effects))) killsBeforeServing += 1;
      if (existsSync(store)) for (const name of unknownCalls(store)) unknown.add(name);
      if (!json && process.stderr.isTTY) process.stderr.write(`\r${count + 1} kills, ${driver.tasks.length} tasks `);
    }
    life = startLife(env);
    const until = Date.now() + lastPatienceMs;
    const url = await life.url;
    if (url === undefined) throw new Error(`the server does not start again:\n${life.said()}`);
    await driver.workAt(url, false, () => driver.open.length === 0 || Date.now() > until);
    await life.stop();
    const asked = new Set(questionsAsked(store));
    // Set aside, a task does not come to ask.
    const setAside = new Set(driver.tasks.filter(isSetAside).map(({ id }) => id));
    const wasToAsk = (name: string): boolean => !setAside.has(name.split(' ')[0]);
    return {
      kills,
      killsBeforeServing,
      ...taskFigures(driver, tasksStored(store)),
      ...effectFigures(driver, effects, unsafe),
      orphans: openTasks(store),
      unknown: unknown.size,
      unasked: [...unknown].filter((name) => wasToAsk(name) && !asked.has(name)).length,
      answered: driver.answers,
      needless: driver.needless,
    };
  } finally {
    await life?.kill();
    lab.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @returns whether it served before it was killed. */
async function liveAndDie(life: Life, driver: Driver, effects: string): Promise<boolean> {
  const isEarly = Math.random() < early;
  let isDead = false;
  const killAfter = async (moment: Promise<unknown>): Promise<void> => {
    await moment;
    isDead = true;
    await life.kill();
  };
  const killed = isEarly ? killAfter(wait(Math.random() * earlyMs)) : undefined;
  const url = await life.url;
  if (url === undefined && !isEarly) throw new Error(`the server does not start:\n${life.said()}`);
  if (url !== undefined)
    await Promise.all([killed ?? killAfter(someEffects(effects)), driver.workAt(url, true, () => isDead)]);
  await killed;
  return url !== undefined;
}
