/** `npm run conformance`: the official referee on both roles, once a revision. One line each. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { judgeClient, judgeServer, requiredScenarios, type Role } from './referee.ts';
import { serveFixture } from './serve.ts';
import { judge, type Check, type Results } from './verdict.ts';

const revisions = ['2025-11-25', '2026-07-28'];

type ExpectedFailures = Record<string, Record<string, { issue: number; why: string }>>;

async function run(): Promise<boolean> {
  const text = await readFile(join(import.meta.dirname, 'expected-failures.yaml'), 'utf8');
  const expectedFailures = parse(text) as ExpectedFailures;
  const door = await serveFixture(0);
  let isGood = true;
  try {
    for (const revision of revisions) {
      const expected = Object.keys(expectedFailures[revision] ?? {});
      const served = await report(revision, 'server', await judgeServer(door.url, revision), expected);
      const used = await report(revision, 'client', await judgeClient(revision), []);
      isGood &&= served && used;
    }
  } finally {
    await door.close(0);
  }
  return isGood;
}

/** @returns whether all is as expected */
async function report(revision: string, role: Role, results: Results, expected: string[]): Promise<boolean> {
  const required = await requiredScenarios(revision, role);
  const verdict = judge(results, expected);
  const scored = (scenarios: string[]) => scenarios.filter((scenario) => required.includes(scenario)).length;
  const missing = required.filter((scenario) => results[scenario] === undefined);
  console.log(
    `${revision} ${role}: ${scored(verdict.passed)} of ${required.length} scored passed, ` +
      `${scored(verdict.expected)} expected failures, ${verdict.unexpected.length} unexpected; ` +
      `not scored: ${verdict.passed.length - scored(verdict.passed)} passed, ` +
      `${verdict.expected.length - scored(verdict.expected)} expected failures`,
  );
  for (const scenario of verdict.unexpected) console.log(`  failed: ${scenario}\n${faults(results[scenario])}`);
  for (const scenario of verdict.stale)
    console.log(`  no longer fails: ${scenario} (take it out of expected-failures.yaml)`);
  for (const scenario of missing) console.log(`  did not run: ${scenario}`);
  return verdict.unexpected.length + verdict.stale.length + missing.length === 0;
}

const faults = (checks: readonly Check[] = []): string =>
  checks
    .filter(({ status }) => status === 'FAILURE' || status === 'WARNING')
    .map(
      ({ id, status, errorMessage, details }) =>
        `    ${status} ${id}: ${errorMessage ?? JSON.stringify(details ?? '')}`,
    )
    .join('\n');

process.exitCode = (await run()) ? 0 : 1;
