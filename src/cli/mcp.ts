/** `deputy mcp list|tools|call`: the MCP servers that agents use, seen and called without a model. */
import { randomUUID } from 'node:crypto';
import { SamplingRefused } from '../agent/tool.ts';
import type { Config } from '../config/config.ts';
import { messageOf, NotFoundError, UsageError } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import type { ListedTool, ServerStatus } from '../mcp-client/open-servers.ts';
import type { Content } from '../task/content.ts';
import type { Runtime } from '../runtime.ts';
import { cleanText, columnsOf, oneLine, printableJson } from './clean-text.ts';
import { type ExitCode, exitCode, exitCodeOfInterruption } from './exit.ts';
import { type Globals, named } from './globals.ts';
import { watchInterruptions } from './interruptions.ts';
import { jsonArgument } from './json-argument.ts';
import { openConfig, withRuntime } from './open.ts';
import { duration } from './progress-lines.ts';
import { ownerHere } from './owner-here.ts';
import { askOnce } from './questions.ts';
import { readStdin } from './read-stdin.ts';
import type { Terminal } from './terminal.ts';

/** What starting and listing a server came to. */
export type Reached = { name: string; ms: number; status: ServerStatus | undefined } & (
  | { ok: true; tools: readonly ListedTool[] }
  | { ok: false; error: string }
);

export async function reach({ servers }: Runtime, name: string, signal: AbortSignal): Promise<Reached> {
  const began = performance.now();
  const after = () => ({
    name,
    ms: Math.round(performance.now() - began),
    status: servers.status().find((status) => status.name === name),
  });
  try {
    const tools = await servers.list(name, signal);
    return { ...after(), ok: true, tools };
  } catch (error) {
    return { ...after(), ok: false, error: messageOf(error) };
  }
}

export function listServers(json: boolean, globals: Globals, terminal: Terminal): Promise<ExitCode> {
  return withServers(globals, terminal, async (runtime, config, signal) => {
    const reached = await Promise.all(config.servers.map((server) => reach(runtime, server.name, signal)));
    if (json) terminal.out.write(`${printableJson({ type: 'servers', servers: reached.map(asJson) }, 2)}\n`);
    else if (reached.length === 0) terminal.err.write('agents.yaml names no servers (mcpServers).\n');
    else printTable(reached.map(asRow), terminal);
    return reached.every((server) => server.ok) ? exitCode.ok : exitCode.unavailable;
  });
}

export function listTools(
  only: string | undefined,
  json: boolean,
  globals: Globals,
  terminal: Terminal,
): Promise<ExitCode> {
  return withServers(globals, terminal, async (runtime, config, signal) => {
    const wanted = only === undefined ? config.servers : [named(config.servers, only, 'server')];
    const reached = await Promise.all(wanted.map((server) => reach(runtime, server.name, signal)));
    const tools = reached.flatMap((server) => (server.ok ? server.tools : []));
    if (json) terminal.out.write(`${printableJson({ type: 'tools', tools: tools.map(toolAsJson) }, 2)}\n`);
    else
      printTable(
        tools.map(({ tool }) => [tool.id, tool.effect, tool.description]),
        terminal,
      );
    for (const server of reached) if (!server.ok) terminal.err.write(`${server.name}: ${cleanText(server.error)}\n`);
    return reached.every((server) => server.ok) ? exitCode.ok : exitCode.unavailable;
  });
}

export function callTool(
  id: string,
  args: string | undefined,
  json: boolean,
  globals: Globals,
  terminal: Terminal,
): Promise<ExitCode> {
  return withServers(globals, terminal, async (runtime, config, signal) => {
    const [serverName = '', ...rest] = id.split('/');
    if (rest.length === 0)
      throw new UsageError(`"${id}" is no tool: write server/tool, as "deputy mcp tools" lists them.`);
    const text = args === '-' ? await readStdin() : (args ?? '{}');
    const parsed = jsonArgument(text, 'The arguments', '{"path": "README.md"}');
    const tools = await runtime.servers.list(named(config.servers, serverName, 'server').name, signal);
    const found = tools.find(({ tool }) => tool.id === id);
    if (!found)
      throw new NotFoundError(
        `${serverName} has no tool "${rest.join('/')}". It has: ${tools.map(({ tool }) => tool.id).join(', ')}.`,
      );
    const fault = found.tool.check(parsed);
    if (fault !== undefined) throw new UsageError(`The arguments for ${id} do not fit: ${fault}`);

    if (found.tool.change !== undefined)
      throw new UsageError(
        `${id} is another tool than was pinned:\n${cleanText(found.tool.change.diff)}\nhelp: to accept it: deputy mcp pin ${id}`,
      );
    const outcome = await found.tool.call(parsed, {
      signal,
      commit: Object.assign(() => Promise.resolve(), { reference: () => Promise.resolve() }),
      owner: ownerHere(),
      callKey: randomUUID(),
      grant: { tool: id, rule: 'deputy mcp call' },
      ask: (_, request, open) => askOnce(request, open, terminal),
      sample: () =>
        Promise.reject(new SamplingRefused('There is no model here: "deputy mcp call" calls a tool without one.')),
      onProgress: ({ progress, total, message }) => {
        const part = total === undefined ? `${progress}` : `${progress}/${total}`;
        if (globals.quiet !== true) terminal.err.write(`${oneLine(`${id}: ${part} ${message ?? ''}`, 200)}\n`);
      },
    });
    if (json) terminal.out.write(`${printableJson(outcome, 2)}\n`);
    else (outcome.isError ? terminal.err : terminal.out).write(`${contentText(outcome.content)}\n`);
    return outcome.isError ? exitCode.failed : exitCode.ok;
  });
}

function withServers(
  globals: Globals,
  terminal: Terminal,
  use: (runtime: Runtime, config: Config, signal: AbortSignal) => Promise<ExitCode>,
): Promise<ExitCode> {
  return untilInterrupted(async (signal) => {
    const config = await openConfig(globals, terminal);
    return withRuntime(config, globals, terminal, (runtime) => use(runtime, config, signal));
  });
}

/** Ctrl-C aborts `signal`; what then fails, failed for that reason. */
export async function untilInterrupted(use: (signal: AbortSignal) => Promise<ExitCode>): Promise<ExitCode> {
  const interruptions = watchInterruptions();
  const abort = new AbortController();
  void interruptions.came.then((why) => abort.abort(new Error(why)));
  try {
    const code = await use(abort.signal);
    return interruptions.first ? exitCodeOfInterruption(interruptions.first) : code;
  } catch (error) {
    if (interruptions.first) return exitCodeOfInterruption(interruptions.first);
    throw error;
  } finally {
    interruptions.stop();
  }
}

/** Text as it is; of everything else what it is. */
const contentText = (content: readonly Content[]): string =>
  content
    .map((block) => {
      if (block.type === 'text') return cleanText(block.text);
      if (block.type === 'resource')
        return 'text' in block ? cleanText(block.text) : `[resource ${oneLine(block.uri, 200)}]`;
      if (block.type === 'resource_link') return `[link ${oneLine(block.uri, 200)}]`;
      return `[${block.type} ${oneLine(block.mimeType, 60)}, ${Math.round((block.data.length * 3) / 4)} bytes]`;
    })
    .join('\n');

const asRow = (server: Reached): string[] =>
  server.ok
    ? [
        server.name,
        'ok',
        server.status?.version ?? '',
        `${server.tools.length} tools`,
        duration(server.ms),
        ...(server.status?.faults ?? []),
      ]
    : [server.name, 'failed', server.error];

function asJson(server: Reached): JsonObject {
  const { name, ms, status, ok } = server;
  return {
    name,
    ok,
    ms,
    ...(status && {
      target: status.target,
      faults: status.faults,
      ...(status.version !== undefined && { version: status.version }),
    }),
    ...(server.ok ? { tools: server.tools.length } : { error: server.error }),
  };
}

const toolAsJson = ({ tool, ownName, outputSchema, annotations }: ListedTool): JsonObject => ({
  id: tool.id,
  name: ownName,
  model_name: tool.name,
  effect: tool.effect,
  description: tool.description,
  inputSchema: tool.inputSchema,
  ...(outputSchema && { outputSchema }),
  annotations,
});

/** Columns side by side; on a terminal cut to its width. */
export function printTable(rows: readonly (readonly string[])[], { out }: Pick<Terminal, 'out'>): void {
  const clean = rows.map((row) => row.map((cell) => oneLine(cell, 1000)));
  const columns = Math.max(0, ...clean.map((row) => row.length));
  const width = (column: number) =>
    Math.max(0, ...clean.map((row) => (column < row.length - 1 ? columnsOf(row[column] ?? '') : 0)));
  const widths = Array.from({ length: columns }, (_, column) => width(column));
  for (const row of clean) {
    const line = row
      .map((cell, index) =>
        index === row.length - 1 ? cell : cell + ' '.repeat((widths[index] ?? 0) - columnsOf(cell)),
      )
      .join('  ');
    out.write(`${out.isTTY === true ? cutAt(line, out.columns ?? 80) : line}\n`);
  }
}

function cutAt(line: string, width: number): string {
  if (columnsOf(line) <= width) return line;
  let cut = line;
  while (columnsOf(cut) > width - 1) cut = cut.slice(0, -1);
  return `${cut}…`;
}
