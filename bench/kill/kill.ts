/**
 * Random `kill -9` of the whole server, over agents with unsafe, idempotent and read tools on stdio and HTTP servers.
 *
 * To be shown: no acknowledged task is lost, no unsafe effect is doubled or left out, every call that a kill left unknown
 * is asked about, every task ends. The control shows that the same kills double effects where nothing is asked.
 */
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { startCountingHttp } from './counting-http.ts';
import { Driver, type Started } from './driver.ts';
import { countEffects } from './effects.ts';
import { questionsAsked, tasksStored, unknownCalls } from './journal.ts';
import { readOptions, usage, type Options } from './options.ts';
import { plan } from './plan.ts';
import { startLife, type Life } from './served.ts';

export interface Figures {
  kills: number;
  killsBeforeServing: number;
  tasks: number;
  lost: number;
  unended: number;
  /** Ended otherwise than with the right answer. */
  wrong: string[];
  /** By our own doing its process died three times right after it was woken: it looks as if it were to blame. */
  setAside: number;
  startedTwice: number;
  unsafeCalls: number;
  doubled: number;
  leftOut: number;
  /** Unsafe calls that the kills left without an outcome. */
  unknown: number;
  unasked: number;
  answered: { happened: number; run: number };
  repeated: { idempotent: number; read: number };
}

/** How many of the kills may hit a server that does not serve yet, and how early. */
const early = 0.15;
const earlyMs = 1_000;
/** How many effects a life has at most before it is ended. */
const mostEffects = 12;
const bytesAnEffect = 10;
const longestLifeMs = 10_000;
/** After this long a task is stuck, not late. */
const lastPatienceMs = 600_000;

export async function kill(args: string[]): Promise<void> {
  const options = readOptions(args);
  if (options === 'help') {
    process.stdout.write(usage);
    return;
  }
  const figures = await run(options);
  process.stdout.write(options.json ? `${JSON.stringify(figures, null, 2)}\n` : report(figures));
  const faults = faultsIn(figures, options);
  for (const fault of faults) process.stderr.write(`FAILED: ${fault}\n`);
  if (faults.length > 0) process.exitCode = 1;
}

async function run({ kills, control, json }: Options): Promise<Figures> {
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
  const driver = new Driver(effects);
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
      ...effectFigures(driver, effects),
      unknown: unknown.size,
      unasked: [...unknown].filter((name) => wasToAsk(name) && !asked.has(name)).length,
      answered: driver.answers,
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

/** In the middle of things: after a few effects of this life, however slow the machine is, and a moment. */
async function someEffects(file: string): Promise<void> {
  const enough = statSync(file).size + Math.random() * mostEffects * bytesAnEffect;
  const until = Date.now() + longestLifeMs;
  while (statSync(file).size < enough && Date.now() < until) await wait(5);
  await wait(Math.random() * 30);
}

function taskFigures(driver: Driver, stored: readonly string[]) {
  const acknowledged = driver.tasks.filter(({ id }) => id !== undefined);
  return {
    tasks: acknowledged.length,
    lost: acknowledged.filter(({ id = '' }) => driver.lost.has(id) || !stored.includes(id)).length,
    unended: driver.open.length,
    wrong: acknowledged.filter((task) => isWrong(task) && !isSetAside(task)).map(told),
    setAside: acknowledged.filter(isSetAside).length,
    startedTwice: stored.length - driver.tasks.length,
  };
}

const isWrong = ({ order, end }: Started): boolean => end !== undefined && end.answer !== `done ${order}`;
const isSetAside = ({ end }: Started): boolean => end?.status === 'failed' && end.answer.includes('It was set aside');
const told = ({ order, end }: Started): string => `${order} ${end?.status}: ${end?.answer.slice(0, 300)}`;

function effectFigures(driver: Driver, file: string) {
  const { pay, put, look } = countEffects(file);
  const pays = plan.flat().flatMap(({ tool, letter }) => (tool.endsWith('/pay') ? [letter] : []));
  const due = driver.tasks
    .filter((task) => task.end !== undefined && !isSetAside(task))
    .flatMap(({ order }) => pays.map((one) => order + one));
  const more = (counts: Map<string, number>) => [...counts.values()].reduce((sum, count) => sum + count - 1, 0);
  return {
    unsafeCalls: due.length,
    doubled: more(pay),
    leftOut: due.filter((order) => !pay.has(order)).length,
    repeated: { idempotent: more(put), read: more(look) },
  };
}

function faultsIn(figures: Figures, { control }: Options): string[] {
  const { lost, unended, wrong, startedTwice, doubled, leftOut, unasked } = figures;
  const faults = [
    ...(lost > 0 ? [`${lost} acknowledged tasks were lost`] : []),
    ...(unended > 0 ? [`${unended} tasks did not end`] : []),
    ...wrong.map((one) => `a wrong end: ${one}`),
    ...(startedTwice !== 0 ? [`${startedTwice} tasks more in the store than were started`] : []),
    ...(leftOut > 0 ? [`${leftOut} unsafe calls of tasks that ended never happened`] : []),
  ];
  if (control) return doubled > 0 ? faults : [...faults, 'the control doubled nothing: the kills show nothing'];
  if (doubled > 0) faults.push(`${doubled} unsafe effects were doubled`);
  if (unasked > 0) faults.push(`${unasked} unknown calls were not asked about`);
  return faults;
}

const report = (figures: Figures): string =>
  [
    `${figures.kills} kills (${figures.killsBeforeServing} before the server served)`,
    `${figures.tasks} tasks acknowledged: ${figures.lost} lost, ${figures.unended} not ended, ${figures.wrong.length} ended wrong, ${figures.setAside} set aside, ${figures.startedTwice} started twice`,
    `${figures.unsafeCalls} unsafe calls: ${figures.doubled} doubled, ${figures.leftOut} left out`,
    `${figures.unknown} calls left unknown: ${figures.unasked} not asked about; answered: ${figures.answered.happened} had happened, ${figures.answered.run} had not`,
    `${figures.repeated.idempotent} idempotent and ${figures.repeated.read} read calls were repeated`,
    '',
  ].join('\n');
