/**
 * Real hosts meet an approval: `npm run hosts`. Opt-in, for it installs 0.8 GB. The hosts think with a local endpoint;
 * what is checked is what was paid, and what the host was told. `docs/hosts.md` says the same in words.
 */
import { spawn } from 'node:child_process';
import { writeFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Endpoint, startEndpoint } from './endpoint.ts';
import { type Hosts, installedHosts } from './installed.ts';
import { main, type Network, network } from './network.ts';
import { approveInTerminal } from './terminal.ts';

interface Place {
  hosts: Hosts;
  endpoint: Endpoint;
  network: Network;
}
interface Scenario {
  name: string;
  /** @returns what is wrong; undefined when all is right. */
  run: (place: Place) => Promise<string | undefined>;
}

const order = 'CALL mcp__deputy__clerk {"message":"alice"}';

const scenarios: Scenario[] = [
  {
    name: 'Claude Code headless, nobody there: nothing is paid, the host is told where to answer, and the answer counts',
    async run({ hosts, endpoint, network }) {
      const { out } = await claude(hosts, endpoint, network, []);
      if (network.payments().length > 0) return `it paid without a person:\n${out}`;
      const task = /"task(?:Id)?\\*":\s*\\*"(t[\w-]+)/.exec(out)?.[1];
      if (task === undefined) return `no handle was told:\n${out}`;
      const approved = await deputy(network, ['approvals', 'approve', task]);
      if (approved.code !== 0) return `the approval was not taken: ${approved.err}`;
      const resumed = await deputy(network, ['run', '--resume', task]);
      return paidOnce(network, `${resumed.out}\n${resumed.err}`);
    },
  },
  {
    name: 'Claude Code headless with an Elicitation hook that approves: paid once',
    async run({ hosts, endpoint, network }) {
      const { out } = await claude(hosts, endpoint, network, hookThatSays({ decision: 'approve' }));
      return paidOnce(network, out);
    },
  },
  {
    name: 'Claude Code headless with an Elicitation hook that denies with a note: nothing is paid, the agent reads the note',
    async run({ hosts, endpoint, network }) {
      const { out } = await claude(hosts, endpoint, network, hookThatSays({ decision: 'deny', note: 'not this one' }));
      if (network.payments().length > 0) return 'it paid what was denied';
      return out.includes('not this one') ? undefined : `the note did not arrive:\n${out}`;
    },
  },
  {
    name: 'Claude Code headless with an Elicitation hook that accepts without a decision: nothing is paid',
    async run({ hosts, endpoint, network }) {
      await claude(hosts, endpoint, network, hookThatSays({}));
      return network.payments().length > 0 ? 'a bare accept was taken for an approval' : undefined;
    },
  },
  {
    name: 'Claude Code in a terminal, its Tasks client on: the dialog approves, paid once',
    async run({ hosts, endpoint, network }) {
      const shown = await approveInTerminal(
        hosts.claude,
        [...claudeArgs(await mcpFile(network)), '--permission-mode', 'default'],
        claudeEnv(endpoint, network),
        {
          cwd: network.path,
          order,
          isDone: () => network.payments().length > 0,
        },
      );
      return paidOnce(network, shown);
    },
  },
  {
    name: 'Codex exec, which declines by itself: nothing is paid, the agent goes on without',
    async run({ hosts, endpoint, network }) {
      await codexHome(endpoint, network);
      const args = ['exec', '--skip-git-repo-check', '--json', order];
      const env = { ...bareEnv(network), CODEX_HOME: join(network.home, '.codex'), FAKE_KEY: 'x' };
      const { out, err } = await ended(hosts.codex, args, { cwd: network.path, env });
      if (network.payments().length > 0) return `it paid without a person:\n${out}`;
      return /denied|declined/i.test(out) ? undefined : `the host was not told of the denial:\n${out}\n${err}`;
    },
  },
];

const paidOnce = ({ payments }: Network, told: string): string | undefined => {
  const paid = payments();
  return paid.length === 1 && paid[0] === 'alice' ? undefined : `paid: ${JSON.stringify(paid)}\n${told}`;
};

const hookThatSays = (content: object): string[] => {
  const said = { hookSpecificOutput: { hookEventName: 'Elicitation', action: 'accept', content } };
  const hook = { type: 'command', command: `echo '${JSON.stringify(said)}'` };
  return ['--settings', JSON.stringify({ hooks: { Elicitation: [{ hooks: [hook] }] } })];
};

const bareEnv = ({ home }: Network) => ({ PATH: process.env['PATH'] ?? '', HOME: home, TERM: 'xterm-256color' });

const claudeEnv = (endpoint: Endpoint, network: Network) => ({
  ...bareEnv(network),
  ANTHROPIC_BASE_URL: endpoint.anthropic,
  ANTHROPIC_API_KEY: 'sk-fake',
  CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
  DISABLE_TELEMETRY: '1',
  DISABLE_AUTOUPDATER: '1',
  ENABLE_TOOL_SEARCH: 'false',
});

async function mcpFile({ path, server }: Network): Promise<string> {
  const file = join(path, 'mcp.json');
  await writeFile(file, JSON.stringify({ mcpServers: { deputy: server } }));
  return file;
}

const claudeArgs = (mcp: string): string[] => [
  '--mcp-config',
  mcp,
  '--strict-mcp-config',
  '--allowedTools',
  'mcp__deputy__clerk',
];

async function claude({ claude }: Hosts, endpoint: Endpoint, network: Network, more: string[]): Promise<Ended> {
  const args = ['-p', order, ...claudeArgs(await mcpFile(network)), ...more];
  return ended(claude, args, { cwd: network.path, env: claudeEnv(endpoint, network) });
}

async function codexHome({ responses }: Endpoint, { home, server }: Network): Promise<void> {
  const lines = [
    'model = "gpt-5"',
    'model_provider = "local"',
    '[model_providers.local]',
    'name = "local"',
    `base_url = ${JSON.stringify(responses)}`,
    'wire_api = "responses"',
    'env_key = "FAKE_KEY"',
    '[mcp_servers.deputy]',
    `command = ${JSON.stringify(server.command)}`,
    `args = ${JSON.stringify(server.args)}`,
    'default_tools_approval_mode = "approve"',
    // It would begin without the tools of a server that is still starting.
    'required = true',
    'startup_timeout_sec = 60',
  ];
  await mkdir(join(home, '.codex'));
  await writeFile(join(home, '.codex', 'config.toml'), `${lines.join('\n')}\n`);
}

interface Ended {
  code: number | null;
  out: string;
  err: string;
}

const longestMs = 180_000;

function ended(command: string, args: string[], options: { cwd: string; env: NodeJS.ProcessEnv }): Promise<Ended> {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'], timeout: longestMs });
  const text = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text.out += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (text.err += chunk));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, ...text }));
  });
}

const deputy = (network: Network, args: string[]): Promise<Ended> =>
  ended(process.execPath, [main, '-c', join(network.path, 'agents.yaml'), ...args], {
    cwd: network.path,
    env: bareEnv(network),
  });

const wanted = process.argv[2];
const hosts = await installedHosts();
const endpoint = await startEndpoint();
let faults = 0;
for (const { name, run } of scenarios) {
  if (wanted !== undefined && !name.toLowerCase().includes(wanted.toLowerCase())) continue;
  const place = { hosts, endpoint, network: await network() };
  const began = performance.now();
  const fault = await run(place).catch((error: unknown) => String(error));
  const took = `${((performance.now() - began) / 1000).toFixed(1)} s`;
  if (fault !== undefined) faults += 1;
  console.log(
    `${fault === undefined ? 'ok    ' : 'FAILED'} ${name} (${took})${fault === undefined ? '' : `\n${fault}`}`,
  );
  await place.network.remove();
}
await endpoint.close();
process.exitCode = faults === 0 ? 0 : 1;
