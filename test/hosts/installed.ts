/** The hosts themselves, from npm, in a folder of their own: 0.8 GB, fetched once. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

const versions = { '@anthropic-ai/claude-code': '2.1.330', '@openai/codex': '0.169.0' };

export interface Hosts {
  claude: string;
  codex: string;
}

export async function installedHosts(): Promise<Hosts> {
  const folder = process.env['DEPUTY_HOSTS'] ?? join(homedir(), '.cache', 'deputy-hosts');
  const hosts = {
    claude: join(folder, 'node_modules', '.bin', 'claude'),
    codex: join(folder, 'node_modules', '.bin', 'codex'),
  };
  if (existsSync(hosts.claude) && existsSync(hosts.codex)) return hosts;
  await mkdir(folder, { recursive: true });
  const packages = Object.entries(versions).map(([name, version]) => `${name}@${version}`);
  const { status } = spawnSync('npm', ['install', '--prefix', folder, '--no-audit', '--no-fund', ...packages], {
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) throw new Error(`the hosts could not be installed into ${folder}`);
  return hosts;
}
