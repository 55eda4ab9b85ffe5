/** The network that hosts are given: a clerk that pays, and may not without a person. Every payment is a line in a file. */
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hands } from '../cli/hands.ts';

export const main = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts');

export interface Network {
  path: string;
  /** A fresh home for the host: nothing of this machine's settings is read or written. */
  home: string;
  /** What a host starts. */
  server: { command: string; args: string[] };
  payments: () => string[];
  remove: () => Promise<void>;
}

const files = {
  'agents.yaml': `version: 1
mcpServers:
  hands: { command: "${process.execPath}", args: [hands.mjs] }
agents:
  clerk: { description: Pays., instructions: Pay., model: scripted/clerk.yaml, tools: [hands/*] }
permissions:
  ask: [hands/pay]
`,
  'clerk.yaml': 'replies: [{ calls: [{ tool: hands/pay, args: { to: "${user}" } }] }, { text: "Done: ${last}" }]',
  'hands.mjs': hands,
};

export async function network(): Promise<Network> {
  const path = await mkdtemp(join(tmpdir(), 'deputy-hosts-'));
  const home = join(path, 'home');
  await mkdir(home);
  for (const [file, content] of Object.entries(files)) await writeFile(join(path, file), content);
  const effects = join(path, 'effects.txt');
  return {
    path,
    home,
    server: { command: process.execPath, args: [main, '-c', join(path, 'agents.yaml'), 'serve', '--stdio'] },
    payments: () => (existsSync(effects) ? readFileSync(effects, 'utf8').trim().split('\n') : []),
    remove: () => rm(path, { recursive: true, force: true }),
  };
}
