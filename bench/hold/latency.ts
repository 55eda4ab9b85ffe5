/** How long `tasks/get` takes under a light load: so many a second, whether or not those before were answered. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Caller } from './caller.ts';

export const requestsPerSecond = 300;

export interface Latency {
  requests: number;
  /** Milliseconds. */
  p50: number;
  p99: number;
  most: number;
}

export const noLatency: Latency = { requests: 0, p50: 0, p99: 0, most: 0 };

/** @param ids looked at in this order, again and again. */
export async function getLatency(caller: Caller, ids: readonly string[], seconds: number): Promise<Latency> {
  const requests = seconds * requestsPerSecond;
  const looks: Promise<number>[] = [];
  const begun = performance.now();
  while (looks.length < requests) {
    const due = Math.min(requests, ((performance.now() - begun) / 1000) * requestsPerSecond);
    while (looks.length < due) looks.push(timed(() => caller.get(ids[looks.length % ids.length] ?? '')));
    await sleep(1);
  }
  const sorted = (await Promise.all(looks)).toSorted((a, b) => a - b);
  const at = (part: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
  return { requests, p50: at(0.5), p99: at(0.99), most: at(1) };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}
