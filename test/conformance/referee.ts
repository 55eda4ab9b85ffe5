/** One run of the official referee: all scenarios that a revision requires of a role, and what it knows beyond that. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import type { Check, Results } from './verdict.ts';

export type Role = 'server' | 'client';

const referee = fileURLToPath(import.meta.resolve('@modelcontextprotocol/conformance/dist/index.js'));

/** Of each scenario. Those of clients run all at once, and a slow machine is no failure. */
const patienceMs = '600000';

/** The scenarios that are scored. */
export async function requiredScenarios(revision: string, role: Role): Promise<string[]> {
  const text = await readFile(join(referee, '../../requirements', `${revision}.yaml`), 'utf8');
  return (parse(text) as Record<Role, string[]>)[role];
}

export const judgeServer = (url: string, revision: string): Promise<Results> =>
  results(revision, 'server', ['--url', url]);

export function judgeClient(revision: string): Promise<Results> {
  const client = fileURLToPath(new URL('./client.ts', import.meta.url));
  return results(revision, 'client', ['--command', `"${process.execPath}" "${client}"`]);
}

async function results(revision: string, role: Role, target: string[]): Promise<Results> {
  const out = await mkdtemp(join(tmpdir(), 'deputy-conformance-'));
  try {
    const argv = [referee, role, ...target, '--requirements', revision, '--timeout', patienceMs, '-o', out];
    const child = spawn(process.execPath, argv, { stdio: ['ignore', 'ignore', 'pipe'] });
    let complaints = '';
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (complaints += chunk));
    await once(child, 'close');
    const found = await readResults(out);
    if (Object.keys(found).length === 0) throw new Error(`the referee said nothing about ${revision}: ${complaints}`);
    return found;
  } finally {
    await rm(out, { recursive: true, force: true });
  }
}

/** A folder a scenario: `server-NAME-TIME` or `NAME-TIME`, and a name may have a slash. */
async function readResults(out: string): Promise<Results> {
  const found: Results = {};
  for (const path of await readdir(out, { recursive: true })) {
    const scenario = /^(?:server-)?(.+)-\d{4}-\d\d-\d\dT[^/]+\/checks\.json$/.exec(path)?.[1];
    if (scenario !== undefined) found[scenario] = JSON.parse(await readFile(join(out, path), 'utf8')) as Check[];
  }
  return found;
}
