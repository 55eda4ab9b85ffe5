/** `npm run conformance`: the official referee against the fixture network, once a revision. One line each. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { serveFixture } from './serve.ts';
import { judge, type Check, type Results } from './verdict.ts';

const referee = fileURLToPath(import.meta.resolve('@modelcontextprotocol/conformance/dist/index.js'));
const revisions = ['2025-11-25', '2026-07-28'];

type ExpectedFailures = Record<string, Record<string, { issue: number; why: string }>>;

/** Runs everything that `revision` requires, and what the referee knows beyond that. */
async function refereeResults(url: string, revision: string): Promise<Results> {
  const out = await mkdtemp(join(tmpdir(), 'deputy-conformance-'));
  try {
    const argv = [referee, 'server', '--url', url, '--requirements', revision, '-o', out];
    const child = spawn(process.execPath, argv, { stdio: ['ignore', 'ignore', 'pipe'] });
    let complaints = '';
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (complaints += chunk));
    await once(child, 'close');
    const results: Results = {};
    for (const folder of await readdir(out)) {
      const scenario = /^server-(.+)-\d{4}-\d\d-\d\dT/.exec(folder)?.[1];
      if (scenario === undefined) continue;
      results[scenario] = JSON.parse(await readFile(join(out, folder, 'checks.json'), 'utf8')) as Check[];
    }
    if (Object.keys(results).length === 0) throw new Error(`the referee said nothing about ${revision}: ${complaints}`);
    return results;
  } finally {
    await rm(out, { recursive: true, force: true });
  }
}

async function yamlFile<T>(path: string): Promise<T> {
  return parse(await readFile(path, 'utf8')) as T;
}

async function run(): Promise<boolean> {
  const expectedFailures = await yamlFile<ExpectedFailures>(join(import.meta.dirname, 'expected-failures.yaml'));
  const door = await serveFixture(0);
  let isGood = true;
  try {
    for (const revision of revisions) {
      const required = await yamlFile<{ server: string[] }>(join(referee, '../../requirements', `${revision}.yaml`));
      const results = await refereeResults(door.url, revision);
      const verdict = judge(results, Object.keys(expectedFailures[revision] ?? {}));
      const scored = (scenarios: string[]) => scenarios.filter((scenario) => required.server.includes(scenario)).length;
      const missing = required.server.filter((scenario) => results[scenario] === undefined);
      console.log(
        `${revision} server: ${scored(verdict.passed)} of ${required.server.length} scored passed, ` +
          `${scored(verdict.expected)} expected failures, ${verdict.unexpected.length} unexpected; ` +
          `not scored: ${verdict.passed.length - scored(verdict.passed)} passed, ` +
          `${verdict.expected.length - scored(verdict.expected)} expected failures`,
      );
      for (const scenario of verdict.unexpected) console.log(`  failed: ${scenario}\n${faults(results[scenario])}`);
      for (const scenario of verdict.stale)
        console.log(`  no longer fails: ${scenario} (take it out of expected-failures.yaml)`);
      for (const scenario of missing) console.log(`  did not run: ${scenario}`);
      isGood &&= verdict.unexpected.length + verdict.stale.length + missing.length === 0;
    }
  } finally {
    await door.close(0);
  }
  return isGood;
}

const faults = (checks: readonly Check[] = []): string =>
  checks
    .filter(({ status }) => status === 'FAILURE' || status === 'WARNING')
    .map(({ id, status, errorMessage }) => `    ${status} ${id}: ${errorMessage ?? ''}`)
    .join('\n');

process.exitCode = (await run()) ? 0 : 1;
