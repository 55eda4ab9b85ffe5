/** `deputy doctor`: what is wrong on this machine, and the command that mends it. */
import { modelsOf } from '../config/models-of.ts';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { relative } from 'node:path';
import type { AgentConfig, Config, ModelConfig } from '../config/config.ts';
import { formatProblems } from '../config/format-problems.ts';
import type { Loaded } from '../config/load-config.ts';
import type { Runtime } from '../runtime.ts';
import { cleanText, printableJson } from './clean-text.ts';
import { type ExitCode, exitCode } from './exit.ts';
import type { Globals } from './globals.ts';
import { hosts } from './hosts/hosts.ts';
import { reach, untilInterrupted } from './mcp.ts';
import { isNewEnough, oldestNode } from './node-version.ts';
import { hasColor, readNetwork, withRuntime } from './open.ts';
import { count, duration } from './progress-lines.ts';
import { paintFor, type Terminal } from './terminal.ts';

/** One thing that was looked at. */
interface Finding {
  what: string;
  state: 'ok' | 'warning' | 'error' | 'note';
  message: string;
  /** The command, or the deed, that mends it. */
  mend?: string;
}

export function doctor(json: boolean, globals: Globals, terminal: Terminal): Promise<ExitCode> {
  return untilInterrupted(async (signal) => {
    const findings: Finding[] = [];
    const add = (finding: Finding) => {
      findings.push(finding);
      if (!json) print(finding, terminal);
    };
    add(nodeFinding());
    const loaded = await readNetwork(globals);
    for (const finding of configFindings(loaded, hasColor(terminal.out) && !json)) add(finding);
    if (loaded.ok) {
      for (const finding of modelFindings(loaded.config)) add(finding);
      await withRuntime(
        loaded.config,
        globals,
        terminal,
        async (runtime) => {
          const names = loaded.config.servers.map((server) => server.name);
          await Promise.all(names.map(async (name) => add(await serverFinding(runtime, name, signal))));
          return exitCode.ok;
        },
        { level: 'silent' },
      );
      add(bubblewrapFinding(loaded.config));
    }
    for (const finding of hostFindings()) add(finding);

    const isWell = findings.every((finding) => finding.state !== 'error');
    if (json) terminal.out.write(`${printableJson({ type: 'checkup', ok: isWell, findings }, 2)}\n`);
    else
      terminal.out.write(
        isWell
          ? 'All is well.\n'
          : `${count(findings.filter((one) => one.state === 'error').length, 'thing')} to mend.\n`,
      );
    return isWell ? exitCode.ok : exitCode.failed;
  });
}

function nodeFinding(): Finding {
  const { node } = process.versions;
  if (isNewEnough(node)) return { what: 'node', state: 'ok', message: `Node ${node}` };
  const message = `Node ${node} is older than ${oldestNode}`;
  return { what: 'node', state: 'error', message, mend: 'install Node 24: https://nodejs.org/en/download' };
}

function configFindings(loaded: Loaded, color: boolean): Finding[] {
  const what = 'config';
  if (!loaded.ok) {
    const isMissing = loaded.problems.some((problem) => problem.code === 'E_NO_CONFIG');
    const message = formatProblems(loaded.problems, { color }).trimEnd();
    return [{ what, state: 'error', message, mend: isMissing ? 'deputy init' : 'deputy validate' }];
  }
  const { file, agents, servers } = loaded.config;
  const message = `${file}: ${count(agents.length, 'agent')}, ${count(servers.length, 'server')}`;
  const warnings = loaded.warnings.map(({ file, line, message, help }): Finding => ({
    what,
    state: 'warning',
    message: `${file}:${line} ${message}`,
    ...(help !== undefined && { mend: help }),
  }));
  return [{ what, state: 'ok', message }, ...warnings];
}

/** Which model thinks for whom. Keys are said to be there, never shown. */
function modelFindings({ agents, root }: Config): Finding[] {
  const users = new Map<string, string[]>();
  for (const agent of agents) {
    const chain = thinksWith(agent, root);
    users.set(chain, [...(users.get(chain) ?? []), agent.name]);
  }
  return [...users].map(([chain, names]) => ({ what: 'model', state: 'ok', message: `${names.join(', ')}: ${chain}` }));
}

function thinksWith(agent: AgentConfig, root: string): string {
  const { model } = agent;
  if (model.provider === 'client') return "thinks with its caller's model";
  if (model.provider === 'plan') return `runs ${agent.agents.join(', ')} in steps, without a model of its own`;
  return modelsOf(agent)
    .map((one) => described(one, root))
    .join(', then ');
}

function described({ provider, model, apiKey, baseUrl }: ModelConfig, root: string): string {
  if (provider === 'scripted') return `script ${relative(root, model)} (found)`;
  const where = baseUrl === undefined ? '' : ` at ${new URL(baseUrl).host}`;
  return `${provider}/${model}${where} (${apiKey === undefined ? 'no key' : 'key present'})`;
}

async function serverFinding(runtime: Runtime, name: string, signal: AbortSignal): Promise<Finding> {
  const server = await reach(runtime, name, signal);
  const what = 'server';
  if (!server.ok) {
    // The first line says what is wrong, the rest what to do.
    const [message = '', ...mend] = server.error.split('\n');
    return {
      what,
      state: 'error',
      message: `${name}: ${message}`,
      mend: mend.join(' ') || 'look at mcpServers in agents.yaml',
    };
  }
  const { version = 'unknown', faults = [] } = server.status ?? {};
  const message = `${name}: speaks ${version}, ${count(server.tools.length, 'tool')}, ${duration(server.ms)}`;
  if (faults.length === 0) return { what, state: 'ok', message };
  return { what, state: 'warning', message: `${message}; ${faults.join('; ')}`, mend: `deputy mcp tools ${name}` };
}

/** Only where a server is started through it. */
function bubblewrapFinding({ servers }: Config): Finding {
  const users = servers.filter((server) => server.kind === 'stdio' && /(^|\/)bwrap$/.test(server.command));
  const what = 'sandbox';
  if (users.length === 0) return { what, state: 'note', message: 'no server is started through bwrap' };
  const isThere = (process.env['PATH'] ?? '').split(':').some((folder) => existsSync(`${folder}/bwrap`));
  const names = users.map((server) => server.name).join(', ');
  return isThere
    ? { what, state: 'ok', message: `bwrap, used by ${names}` }
    : {
        what,
        state: 'error',
        message: `bwrap is not installed; ${names} needs it`,
        mend: 'sudo apt install bubblewrap',
      };
}

function hostFindings(): Finding[] {
  const place = { home: homedir(), platform: process.platform, env: process.env };
  const found = hosts.filter((host) => host.files(place).some((file) => existsSync(file)));
  if (found.length === 0)
    return [{ what: 'host', state: 'note', message: 'no host found that these agents could be added to' }];
  return found.map((host) => ({
    what: 'host',
    state: 'note',
    message: `${host.title} is here`,
    mend: `deputy install ${host.name}`,
  }));
}

const marks = { ok: ['green', '✓'], warning: ['yellow', '!'], error: ['red', '✗'], note: ['dim', '·'] } as const;

function print({ what, state, message, mend }: Finding, terminal: Terminal): void {
  const paint = paintFor(terminal.out);
  const [style, mark] = marks[state];
  terminal.out.write(`${paint(style, mark)} ${what.padEnd(8)} ${state === 'error' ? message : cleanText(message)}\n`);
  if (mend !== undefined) terminal.out.write(`  ${paint('cyan', 'mend:'.padEnd(8))} ${cleanText(mend)}\n`);
}
