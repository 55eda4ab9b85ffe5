/** The thread of `latency.ts`: so many requests a second, whether or not those before were answered. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { callerOf } from './caller.ts';
import { type Latency, type Looks, requestsPerSecond } from './latency.ts';

const { url, ids, seconds } = workerData as Looks;
const caller = callerOf(url);
/** Not counted: this thread's code is not compiled yet. */
const warmUpSeconds = 2;
const lateness = monitorEventLoopDelay({ resolution: 1 });

await looked(warmUpSeconds);
lateness.enable();
const sorted = (await looked(seconds)).toSorted((a, b) => a - b);
lateness.disable();
const asked = sorted.length + warmUpSeconds * requestsPerSecond;
const at = (part: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
const late = lateness.percentile(99) / 1e6;
parentPort?.postMessage({
  requests: sorted.length,
  asked,
  p50: at(0.5),
  p99: at(0.99),
  most: at(1),
  late,
} satisfies Latency);

/** Milliseconds of each request. */
async function looked(forSeconds: number): Promise<number[]> {
  const requests = forSeconds * requestsPerSecond;
  const looks: Promise<number>[] = [];
  const begun = performance.now();
  while (looks.length < requests) {
    const due = Math.min(requests, ((performance.now() - begun) / 1000) * requestsPerSecond);
    while (looks.length < due) looks.push(timed(() => caller.get(ids[looks.length % ids.length] ?? '')));
    await sleep(1);
  }
  return Promise.all(looks);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}
