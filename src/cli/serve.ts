/** `deputy serve`: the agents as one MCP server, until a signal or, on stdio, until the host is gone. */
import { DeputyError, messageOf, UsageError } from '../errors.ts';
import type { Runtime } from '../runtime.ts';
import { keepHeapSmall } from '../small-heap.ts';
import { count } from './progress-lines.ts';
import { type ExitCode, exitCode } from './exit.ts';
import type { Globals } from './globals.ts';
import { watchInterruptions } from './interruptions.ts';
import { openConfig, readConfig, withRuntime } from './open.ts';
import { ownerHere } from './owner-here.ts';
import type { Terminal } from './terminal.ts';
import { watchConfig } from './watch-config.ts';

export interface ServeOptions {
  stdio?: boolean;
  http?: Address;
  /** Changes of the configuration are taken up while it is served. */
  watch?: boolean;
}
export interface Address {
  host: string;
  port: number;
}

/** What running tasks get to finish after a signal. A second signal does not wait. */
const drainMs = 30_000;

export async function serve(
  { stdio, http, watch }: ServeOptions,
  globals: Globals,
  terminal: Terminal,
): Promise<ExitCode> {
  const config = await openConfig(globals, terminal);
  const address = stdio === true ? undefined : (http ?? config.serve.http);
  const say = (line: string) => globals.quiet !== true && terminal.err.write(`${line}\n`);
  const agents = count(config.serve.expose.length, 'agent');
  const interruptions = watchInterruptions();
  const letItGrow = keepHeapSmall();
  const watching = new AbortController();
  const startWatching = (runtime: Runtime): void => {
    if (watch !== true) return;
    const ports = { read: () => readConfig(globals), say: (line: string) => void terminal.err.write(`${line}\n`) };
    void watchConfig(runtime, ports, watching.signal);
  };
  try {
    return await withRuntime(
      config,
      globals,
      terminal,
      async (runtime) => {
        if (address) {
          const door = await listen(runtime, address);
          startWatching(runtime);
          say(`Serving ${agents} at ${door.url}`);
          say(`Add it to a host, such as: claude mcp add --transport http deputy ${door.url}`);
          const signal = await interruptions.came;
          say(`${signal}: finishing what runs, at most ${drainMs / 1000} s. Again to stop at once.`);
          await door.close(drainMs);
          return exitCode.ok;
        }
        const door = await runtime.serveStdio(ownerHere());
        startWatching(runtime);
        say(`Serving ${agents} on stdin and stdout.`);
        if (process.stdin.isTTY)
          say('This waits for an MCP host. For a server over HTTP: deputy serve --http 127.0.0.1:8080');
        await Promise.race([door.closed, interruptions.came]);
        await door.close();
        return exitCode.ok;
      },
      { graceMs: () => (interruptions.first ? drainMs : undefined), adopts: 'all' },
    );
  } finally {
    watching.abort();
    letItGrow();
    interruptions.stop();
  }
}

async function listen(runtime: Runtime, address: Address): ReturnType<Runtime['serveHttp']> {
  try {
    return await runtime.serveHttp(address);
  } catch (error) {
    const where = `${address.host}:${address.port}`;
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EADDRINUSE')
      throw new DeputyError(
        'E_PORT',
        `${where} is taken by another program. Choose another port with --http, or 0 for any free one.`,
      );
    if (code === 'EACCES')
      throw new DeputyError('E_PORT', `${where} may not be used by this user. Choose a port above 1023.`);
    if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
      throw new UsageError(`${address.host} is no address of this machine (${messageOf(error)}).`);
    throw error;
  }
}

/** `host:port`, `[::1]:port`, `:port` or `port`. @throws UsageError */
export function addressOf(text: string): Address {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]:|([^:[\]]*):)?(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (!match || port > 65_535)
    throw new UsageError(`"${text}" is no address: write host:port, such as 127.0.0.1:8080.`);
  return { host: match[1] ?? (match[2] || '127.0.0.1'), port };
}
