/**
 * One contestant, one measured stretch of runs. Only the contestant's own process is measured; the servers and the bench
 * say whether it did the work: every model request, every tool call, every answer.
 */
import type { Child } from './child.ts';
import type { Running, Runs } from './contestant.ts';
import { answerOf, callsPerRun, requestsPerRun } from './script.ts';

export interface Sample {
  runsPerSecond: number;
  /** Milliseconds of CPU. */
  cpuPerRun: number;
}

export interface Witnesses {
  model: Child;
  echo: Child;
}

/** @throws Error when the contestant did not do exactly what was asked of it. */
export async function measure(name: string, running: Running, runs: Runs, witnesses: Witnesses): Promise<Sample> {
  const countsBefore = await countsOf(witnesses);
  const before = await running.process.reading();
  const begun = performance.now();
  const answers = await running.answers(runs);
  const ms = performance.now() - begun;
  const after = await running.process.reading();
  const countsAfter = await countsOf(witnesses);

  const { first, count } = runs;
  const wrong = answers.findIndex((answer, index) => answer !== answerOf(first + index));
  if (wrong !== -1 || answers.length !== count)
    throw new Error(`${name}: run ${first + wrong} answered "${answers[wrong]}", not "${answerOf(first + wrong)}".`);
  expectExactly(name, 'model requests', countsAfter.requests - countsBefore.requests, count * requestsPerRun);
  expectExactly(name, 'tool calls', countsAfter.calls - countsBefore.calls, count * callsPerRun);

  return { runsPerSecond: (count * 1000) / ms, cpuPerRun: (after.cpu - before.cpu) / 1000 / count };
}

async function countsOf({ model, echo }: Witnesses): Promise<{ requests: number; calls: number }> {
  const [requests, calls] = await Promise.all([model.ask('count'), echo.ask('count')]);
  return { requests: Number(requests), calls: Number(calls) };
}

function expectExactly(name: string, what: string, got: number, expected: number): void {
  if (got !== expected) throw new Error(`${name}: ${got} ${what} arrived, not ${expected}.`);
}
