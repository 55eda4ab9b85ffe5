/**
 * How long `tasks/get` takes under a light load. A thread of its own asks, which does nothing else: the bench's own loop
 * holds the ledger and a hundred thousand ids, and would be late for reasons that are none of the server's.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

export const requestsPerSecond = 300;

export interface Latency {
  requests: number;
  /** With those before, that are not counted. */
  asked: number;
  /** Milliseconds. */
  p50: number;
  p99: number;
  most: number;
  /** How late the asking thread itself was at most to 99 of 100 things: more than a little, and the machine is busy. */
  late: number;
}

/** What the thread is to do: look at these tasks of the server at `url`, in this order, again and again. */
export interface Looks {
  url: string;
  ids: readonly string[];
  seconds: number;
}

export const noLatency: Latency = { requests: 0, asked: 0, p50: 0, p99: 0, most: 0, late: 0 };

export async function getLatency(looks: Looks): Promise<Latency> {
  const thread = new Worker(new URL('./latency-thread.ts', import.meta.url), { workerData: looks });
  const [latency] = (await once(thread, 'message')) as [Latency];
  await thread.terminate();
  return latency;
}
