/** What Deputy holds: tasks that wait for people, while others work, over a crash. */
import { randomInt } from 'node:crypto';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Deputy, startDeputy } from './deputy.ts';
import { getLatency, noLatency } from './latency.ts';
import { type Ledger, openLedger } from './ledger.ts';
import { type Options, readOptions, usage } from './options.ts';
import { type Figures, report } from './report.ts';
import { allAre, allAtWork, answer, checkPayments, checkSlow, occupy, park, type Parked } from './tasks.ts';

export async function hold(args: string[]): Promise<void> {
  const options = readOptions(args);
  if (options === 'help') {
    process.stdout.write(usage);
    return;
  }
  const folder = await mkdtemp(join(tmpdir(), 'deputy-hold-'));
  const ledger = await openLedger();
  let deputy: Deputy | undefined;
  const start = async (): Promise<Deputy> => (deputy = await startDeputy(ledger.url, join(folder, 'deputy.db')));
  try {
    const figures = await measured(options, { ledger, start, folder });
    const allMet = report(options, figures);
    // How fast the machine of a CI is, nobody knows.
    if (!allMet && !options.quick) throw new Error('A target was missed.');
  } finally {
    await deputy?.stop();
    ledger.close();
    await rm(folder, { recursive: true, force: true });
  }
}

interface Place {
  ledger: Ledger;
  /** Starts the server; the one before must be gone. */
  start: () => Promise<Deputy>;
  /** Of the store. */
  folder: string;
}

/** What a server gets to come to rest before its memory is read: garbage is no matter of tasks. */
const restMs = 10_000;
/** Waiting tasks that are answered while the others are active, and after the kill. */
const answeredBefore = 20;
const answeredAfter = 200;

/** @throws Error a task is lost, or is not what it should be. */
async function measured(options: Options, { ledger, start, folder }: Place): Promise<Figures> {
  const before = await start();
  say(`${options.tasks} tasks come to wait for a person`);
  const cpuOf = async (work: () => Promise<unknown>): Promise<number> => {
    const { cpu } = await before.process.reading();
    await work();
    return ((await before.process.reading()).cpu - cpu) / 1000;
  };
  let parked: Parked[] = [];
  const begun = performance.now();
  const cpuToPark = await cpuOf(async () => (parked = await park(options.tasks, before.caller)));
  const perSecond = (options.tasks * 1000) / (performance.now() - begun);
  await sleep(options.quick ? restMs / 5 : restMs);
  const memoryParked = (await before.process.reading()).memory;
  const disk = await sizeOf(folder);

  say(`${options.active} more come to a slow step`);
  const active = await occupy(options.active, before.caller, ledger);
  say(`tasks/get for ${options.seconds} s, and some answers`);
  const waiting = parked.map(({ id }) => id);
  const looks = { url: before.url, ids: mixed(waiting, active), seconds: options.seconds };
  let latency = noLatency;
  const cpuToGet = await cpuOf(async () => (latency = await getLatency(looks)));
  const chosen = randomOf(parked, answeredBefore + answeredAfter);
  const load = loadavg()[0] ?? 0;
  await answer(chosen.slice(0, answeredBefore), before.caller);
  const { memory: memoryActive, peakMemory: peakBefore } = await before.process.reading();

  say(`kill -9, a new start, and ${answeredAfter} answers`);
  const killed = performance.now();
  const sinceKill = (): number => performance.now() - killed;
  await before.kill();
  const after = await start();
  const serves = sinceKill();
  await answer(chosen.slice(answeredBefore), after.caller);
  const answered = sinceKill();
  await allAtWork(options.active, ledger);
  const recovered = sinceKill();

  say('counting');
  ledger.release();
  const done = new Set([...chosen.map(({ id }) => id), ...active]);
  const statusOf = (id: string): string => (done.has(id) ? 'completed' : 'input_required');
  await allAre(after.caller, new Map([...waiting, ...active].map((id) => [id, statusOf(id)])));
  await checkSlow(active, after.caller);
  checkPayments(chosen, ledger);
  const { peakMemory: peakAfter } = await after.process.reading();

  return {
    parking: { perSecond, cpu: cpuToPark / options.tasks },
    memory: { parked: memoryParked, active: memoryActive, peak: Math.max(peakBefore, peakAfter) },
    disk,
    load,
    repeated: before.caller.repeated() + after.caller.repeated(),
    get: { ...latency, cpu: cpuToGet / latency.asked },
    restart: { answers: answeredAfter, serves, answered, recovered },
  };
}

const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** Four looks at a task that waits, one at an active one. */
const mixed = (parked: readonly string[], active: readonly string[]): string[] =>
  active.flatMap((id) => [id, ...randomOf(parked, Math.min(4, parked.length))]);

function randomOf<T>(all: readonly T[], count: number): T[] {
  const chosen = new Set<number>();
  while (chosen.size < count) chosen.add(randomInt(all.length));
  return [...chosen].map((index) => all[index] as T);
}

async function sizeOf(folder: string): Promise<number> {
  const files = await readdir(folder);
  const sizes = await Promise.all(files.map(async (file) => (await stat(join(folder, file))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}
