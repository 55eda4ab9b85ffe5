/** Does any call leave without an unused approval of exactly that call? A matrix of swaps, answers, channels and deaths. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Case } from './case.ts';
import { casesOf } from './cases.ts';
import { type Outcome, play } from './play.ts';
import { type Played, report } from './report.ts';

const usage = `npm run bench -- approval [options]

  --cases N    how many cases of the matrix are played (default 5000; 500 in CI)
  --seed N     which, and in which order (default: by the clock; every report names it)
  --only N     plays this one case of them
`;

/** Cases side by side: most of a case is waiting for a disk. */
const atOnce = 16;
/** The control plays a tenth: the first cases would do. */
const controlShare = 0.1;
/** A case that takes longer hangs. Milliseconds. */
const patience = 120_000;

export async function approval(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      cases: { type: 'string', default: '5000' },
      seed: { type: 'string', default: String(Date.now() % 1e9) },
      only: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return;
  }
  const [count, seed] = [whole('--cases', values.cases), whole('--seed', values.seed)];
  const folder = await mkdtemp(join(tmpdir(), 'deputy-approval-'));
  try {
    const writes = await undisturbed(folder);
    const cases = casesOf(count, seed).filter(
      ({ number }) => values.only === undefined || number === Number(values.only),
    );
    const bound = await playAll(cases, folder, false);
    const control = cases.slice(0, Math.max(40, Math.ceil(cases.length * controlShare)));
    const blind = await playAll(control, folder, true);
    if (!report({ seed, writes, bound, blind })) process.exitCode = 1;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** @returns how many durable writes a task makes whose calls are all approved. */
async function undisturbed(folder: string): Promise<number> {
  const plain: Case = {
    number: -1,
    swap: 'nothing',
    answer: 'approve',
    channel: 'command line',
    death: undefined,
    whim: 256,
  };
  const { writes, left } = await play(plain, join(folder, 'plain.db'), false);
  if (left !== 3) throw new Error(`${left} calls left of a task whose 3 calls were approved.`);
  return writes;
}

async function playAll(cases: readonly Case[], folder: string, isBlind: boolean): Promise<Played[]> {
  const played: Played[] = [];
  const queue = cases.values();
  const player = async (): Promise<void> => {
    for (const one of queue) {
      played.push({ one, outcome: await playedSafely(one, folder, isBlind) });
      if (played.length % 500 === 0) process.stderr.write(`${played.length} of ${cases.length}\n`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, player));
  return played;
}

/** What goes wrong in a case is its outcome: the others are played all the same. */
async function playedSafely(one: Case, folder: string, isBlind: boolean): Promise<Outcome> {
  const path = join(folder, `${isBlind ? 'blind' : 'bound'}-${one.number}.db`);
  const hung = Promise.withResolvers<never>();
  const timer = setTimeout(() => hung.reject(new Error(`it did not end in ${patience / 1000} s`)), patience);
  try {
    return await Promise.race([play(one, path, isBlind), hung.promise]);
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    return { left: 0, violations: [`it broke: ${words}`], deaths: 0, writes: 0 };
  } finally {
    clearTimeout(timer);
    await Promise.all(['', '-wal', '-shm'].map((end) => rm(`${path}${end}`, { force: true })));
  }
}

function whole(option: string, value: string): number {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 1) throw new Error(`${option}: "${value}" is no whole number above 0.`);
  return number;
}
