/** The figures of one bench run, as numbers and as a table for people. */
import { bareLoop, sameLibraries } from './contestants.ts';
import type { Sample } from './measure.ts';

export interface Row {
  name: string;
  atOnce: number;
  /** Medians over the rounds. */
  runsPerSecond: number;
  /** Milliseconds. */
  cpuPerRun: number;
  /** The lowest and highest round: how far to trust the median. */
  cpuSpread: [number, number];
  /** CPU a run against the floors in the same round; the median over the rounds. */
  toBareLoop: number;
  toSameLibraries: number;
  /** Bytes, over the whole life of the process: all stretches, the highest concurrency included. */
  peakMemory: number;
}

export type Measured = { name: string; atOnce: number; samples: Sample[]; peakMemory: number };

export function rowsOf(measured: readonly Measured[]): Row[] {
  return measured.map(({ name, atOnce, samples, peakMemory }) => {
    const cpu = samples.map(({ cpuPerRun }) => cpuPerRun);
    /** Round against round, since a busy minute is over when the next round begins. */
    const ratioTo = (floorName: string): number => {
      const floor = measured.find((one) => one.name === floorName && one.atOnce === atOnce)?.samples ?? [];
      return median(cpu.map((value, round) => value / (floor[round]?.cpuPerRun ?? Number.NaN)));
    };
    return {
      name,
      atOnce,
      runsPerSecond: median(samples.map(({ runsPerSecond }) => runsPerSecond)),
      cpuPerRun: median(cpu),
      cpuSpread: [Math.min(...cpu), Math.max(...cpu)],
      toBareLoop: ratioTo(bareLoop),
      toSameLibraries: ratioTo(sameLibraries),
      peakMemory,
    };
  });
}

export function table(rows: readonly Row[]): string {
  const head = ['', 'at once', 'runs/s', 'CPU ms/run', '(rounds)', '/ bare loop', '/ same libraries', 'peak MB'];
  const lines = rows.map((row) => [
    row.name,
    String(row.atOnce),
    row.runsPerSecond.toFixed(1),
    row.cpuPerRun.toFixed(2),
    row.cpuSpread.map((value) => value.toFixed(1)).join('-'),
    row.toBareLoop.toFixed(2),
    row.toSameLibraries.toFixed(2),
    (row.peakMemory / 1e6).toFixed(0),
  ]);
  const widths = head.map((_, column) => Math.max(...[head, ...lines].map((line) => line[column]?.length ?? 0)));
  return [head, ...lines]
    .map((line) =>
      line
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join('  '),
    )
    .join('\n');
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}
