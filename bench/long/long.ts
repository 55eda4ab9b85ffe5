/** What a turn costs in short tasks and in long ones: does the thousandth turn cost more than the tenth? */
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bareLoop, type Contestant, deputy } from './contestants.ts';
import { answerOf } from './script.ts';

const usage = `npm run bench -- long [options]

  --rounds N    rounds; figures are medians over them (default 15)
  --quick       a slice for CI: 5 rounds; a turn that is dearer does not fail it, a wrong answer does
  --json        print the figures as JSON
`;

/** Turns a task. Each round has as many turns of each. */
const lengths = [10, 100, 1_000] as const;
const turnsARound = Math.max(...lengths);
/** A turn of the longest task may cost so much of one of the shortest: what is between them is noise. */
const tolerance = 1.1;

interface Row {
  turns: number;
  /** Milliseconds of CPU a turn, all threads: medians over the rounds. */
  deputy: number;
  bareLoop: number;
  /** The median of the differences round by round: what Deputy adds. */
  own: number;
}

export async function long(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return;
  }
  const rounds = Number(values.rounds ?? (values.quick ? 5 : 15));
  if (!Number.isInteger(rounds) || rounds < 1)
    throw new Error(`--rounds: "${values.rounds}" is no whole number above 0.`);

  const folder = await mkdtemp(join(tmpdir(), 'deputy-long-'));
  const contestants = { deputy: deputy(join(folder, 'deputy.db')), bareLoop: bareLoop() };
  try {
    const rows = await measured(contestants, rounds);
    const isFlat = report(rows, rounds, values.json);
    if (!isFlat && !values.quick) throw new Error('A turn of a long task costs more than one of a short task.');
  } finally {
    for (const contestant of Object.values(contestants)) await contestant.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Lengths and contestants take turns, so that a noisy minute hits all alike. */
async function measured(who: { deputy: Contestant; bareLoop: Contestant }, rounds: number): Promise<Row[]> {
  const samples = lengths.map((turns) => ({ turns, deputy: [] as number[], bareLoop: [] as number[] }));
  for (let round = -1; round < rounds; round += 1)
    for (const sample of samples) {
      const costs = {
        bareLoop: await cpuPerTurn(who.bareLoop, sample.turns),
        deputy: await cpuPerTurn(who.deputy, sample.turns),
      };
      // The first round warms up.
      if (round < 0) continue;
      sample.deputy.push(costs.deputy);
      sample.bareLoop.push(costs.bareLoop);
    }
  return samples.map(({ turns, deputy, bareLoop }) => ({
    turns,
    deputy: median(deputy),
    bareLoop: median(bareLoop),
    own: median(deputy.map((cost, round) => cost - (bareLoop[round] ?? Number.NaN))),
  }));
}

/** Nothing else is at work in this process: all of its CPU is the conversation's. */
async function cpuPerTurn(contestant: Contestant, turns: number): Promise<number> {
  const before = process.cpuUsage();
  for (let done = 0; done < turnsARound; done += turns) {
    const answer = await contestant.converse(turns);
    if (answer !== answerOf(turns)) throw new Error(`${contestant.name}, ${turns} turns: the answer is "${answer}".`);
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / turnsARound;
}

/** @returns whether a turn of the longest task costs Deputy no more than one of the shortest. */
function report(rows: readonly Row[], rounds: number, json: boolean): boolean {
  const [shortest, longest] = [rows[0]?.own ?? Number.NaN, rows.at(-1)?.own ?? Number.NaN];
  const ratio = longest / shortest;
  const isFlat = ratio <= tolerance;
  const machine = { node: process.version, cores: availableParallelism(), cpu: cpus()[0]?.model ?? 'unknown' };
  if (json) {
    process.stdout.write(`${JSON.stringify({ ...machine, rounds, rows, ratio, tolerance, isFlat }, null, 2)}\n`);
    return isFlat;
  }
  const column = (value: string): string => value.padStart(12);
  const lines = [
    ['turns a task', 'Deputy', 'bare loop', 'difference'].map(column).join(''),
    ...rows.map(({ turns, deputy, bareLoop, own }) =>
      [String(turns), ...[deputy, bareLoop, own].map((ms) => ms.toFixed(3))].map(column).join(''),
    ),
  ];
  process.stdout.write(
    `CPU ms a turn, ${turnsARound} turns a round and length, medians of ${rounds} rounds\n` +
      `node ${machine.node}, ${machine.cores} cores, ${machine.cpu}\n\n${lines.join('\n')}\n\n` +
      `${isFlat ? 'met' : 'MISSED'}: a turn of the longest task costs Deputy ${ratio.toFixed(2)} of one of the shortest (at most ${tolerance})\n`,
  );
  return isFlat;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}
