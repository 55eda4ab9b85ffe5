/** The figures of the bench beside their targets, as numbers and as a table for people. */
import { availableParallelism, cpus } from 'node:os';
import { type Latency, requestsPerSecond } from './latency.ts';
import type { Options } from './options.ts';

export interface Figures {
  /** From its start to its parking; `cpu`: milliseconds of the server's process, all threads, a task. */
  parking: { perSecond: number; cpu: number };
  /** Bytes of the server's process: when all tasks wait, with the active ones, and the most that it ever had. */
  memory: { parked: number; active: number; peak: number };
  /** Bytes of the store's files, the log included. */
  disk: number;
  /** `cpu`: as above, a request. */
  get: Latency & { cpu: number };
  /** Of the machine, in the minute of these requests. */
  load: number;
  /** Requests that met a connection which the server had just closed. */
  repeated: number;
  /** Milliseconds from the kill until it serves, some are answered and complete, the active are at work. */
  restart: { answers: number; serves: number; answered: number; recovered: number };
}

const target = { memory: 512e6, p99: 10, answered: 60_000 };

/** @returns whether every target was met. */
export function report(options: Options, figures: Figures): boolean {
  const { tasks, active } = options;
  const { parking, memory, disk, get, load, repeated, restart } = figures;
  const met = {
    memory: memory.peak < target.memory,
    p99: get.p99 < target.p99,
    answered: restart.answered < target.answered,
  };
  const machine = { node: process.version, cores: availableParallelism(), cpu: cpus()[0]?.model ?? 'unknown' };
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ ...machine, tasks, active, ...figures, target, met }, null, 2)}\n`);
    return Object.values(met).every(Boolean);
  }

  const rows: [string, string, string?][] = [
    ['came to wait for a person', `${parking.perSecond.toFixed(0)} tasks/s`],
    ['CPU of the server, a task that comes to wait', ms(parking.cpu)],
    ['on disk', `${mb(disk)}, ${(disk / tasks / 1e3).toFixed(1)} kB a task`],
    ['resident, all waiting', mb(memory.parked)],
    [`resident, ${active} active as well`, mb(memory.active)],
    ['resident at most, over both lives', mb(memory.peak), verdict(met.memory, mb(target.memory))],
    [`tasks/get, p50 of ${get.requests} at ${requestsPerSecond}/s`, ms(get.p50)],
    ['tasks/get, p99', ms(get.p99), verdict(met.p99, ms(target.p99))],
    ['tasks/get, slowest', ms(get.most)],
    ['the asking thread itself was late, p99', ms(get.late)],
    ['CPU of the server, a tasks/get', ms(get.cpu)],
    ['load average of the machine meanwhile', load.toFixed(1)],
    ['kill -9 to serving again', ms(restart.serves)],
    [
      `kill -9 to ${restart.answers} answered and complete`,
      ms(restart.answered),
      verdict(met.answered, ms(target.answered)),
    ],
    [`kill -9 to ${active} active again`, ms(restart.recovered)],
    ['requests made again: the connection was just closed', String(repeated)],
    ['lost tasks, wrong answers, orders paid twice or unasked', '0'],
  ];
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map(([what, value, said = '']) =>
    `${what.padEnd(widths[0] ?? 0)}  ${value.padStart(widths[1] ?? 0)}  ${said}`.trimEnd(),
  );
  process.stdout.write(
    `${tasks} tasks wait for a person, ${active} are active\n` +
      `node ${machine.node}, ${machine.cores} cores, ${machine.cpu}\n\n${lines.join('\n')}\n`,
  );
  return Object.values(met).every(Boolean);
}

const verdict = (isMet: boolean, limit: string): string => `${isMet ? 'met' : 'MISSED'}: under ${limit}`;
const mb = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;
const ms = (value: number): string =>
  value < 1000 ? `${value.toFixed(value < 10 ? 2 : 0)} ms` : `${(value / 1000).toFixed(1)} s`;
