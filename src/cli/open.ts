/** From the options of a command to a checked configuration, and from that to a runtime that is closed again. */
import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { Writable } from 'node:stream';
import type { Config, ModelConfig } from '../config/config.ts';
import { formatProblems } from '../config/format-problems.ts';
import { type Loaded, loadConfig } from '../config/load-config.ts';
import type { LoadedNetwork } from '../config/load-network.ts';
import type { NetworkTree } from '../config/network-tree.ts';
import type { Problem } from '../config/problem.ts';
import { messageOf, UsageError } from '../errors.ts';
import { createLog, type LogLevel } from '../log.ts';
import { knownPrice } from '../providers/price.ts';
import type { Runtime } from '../runtime.ts';
import { cleanText } from './clean-text.ts';
import type { ExitCode } from './exit.ts';
import { type Globals, logLevelOf } from './globals.ts';
import { writeAbove } from './live-area.ts';
import { paintFor, type Stream, type Terminal } from './terminal.ts';

/** The configuration has errors: `message` shows them all, in their places. */
class ConfigError extends UsageError {
  readonly problems: readonly Problem[];
  constructor(problems: readonly Problem[], color: boolean) {
    super(formatProblems(problems, { color }).trimEnd());
    this.problems = problems;
  }
}

/** Whether it is known what the model costs. */
export const isPriced = ({ price, provider, model, baseUrl }: ModelConfig): boolean =>
  price !== undefined || knownPrice(provider, model, baseUrl);

/** Reads and checks what `--config`, `$DEPUTY_CONFIG` or the nearest agents.yaml says. @throws UsageError `--env-file` */
export function readConfig(globals: Globals): Promise<Loaded> {
  readEnvFile(globals);
  return loadConfig({
    file: globals.config,
    cwd: process.cwd(),
    env: process.env,
    knownPrice: isPriced,
  });
}

/** The same with the files of the Deputies that its servers start. @throws UsageError `--env-file` */
export async function readNetwork(globals: Globals): Promise<LoadedNetwork> {
  readEnvFile(globals);
  const { loadNetwork } = await import('../config/load-network.ts');
  return loadNetwork({ file: globals.config, cwd: process.cwd(), env: process.env, knownPrice: isPriced });
}

/** The same for a command that needs it whole; warnings go to stderr, a line each. @throws ConfigError it has errors. */
export async function openConfig(globals: Globals, terminal: Terminal): Promise<Config> {
  return whole(await readConfig(globals), globals, terminal).config;
}

/** With the files of the Deputies that its servers start. @throws ConfigError it has errors. */
export async function openNetworkTree(globals: Globals, terminal: Terminal): Promise<NetworkTree> {
  return whole(await readNetwork(globals), globals, terminal).tree;
}

function whole<T extends Loaded>(loaded: T, globals: Globals, terminal: Terminal): Extract<T, { ok: true }> {
  if (!isWhole(loaded)) throw new ConfigError(loaded.ok ? [] : loaded.problems, hasColor(terminal.err));
  if (globals.quiet !== true) for (const line of warningLines(loaded.warnings)) writeAbove(terminal.err, `${line}\n`);
  return loaded;
}

const isWhole = <T extends Loaded>(loaded: T): loaded is Extract<T, { ok: true }> => loaded.ok;

/** A line each; what is said of many models in the same words is one. */
function warningLines(warnings: readonly Problem[]): string[] {
  const skipped = warnings.filter(({ code }) => code === 'W_MODEL_SKIPPED');
  const others = skipped.length > 1 ? warnings.filter((warning) => !skipped.includes(warning)) : warnings;
  const lines = others.map(({ file, line, col, message }) => cleanText(`${file}:${line}:${col} warning: ${message}`));
  if (others.length === warnings.length) return lines;
  return [
    `warning: ${skipped.length} models have no API key, so their fallbacks think ("deputy validate" says which)`,
    ...lines,
  ];
}

export const hasColor = (stream: Stream): boolean => paintFor(stream)('red', 'x') !== 'x';

/** What the environment has already wins, as with `node --env-file`. @throws UsageError the file cannot be read. */
function readEnvFile({ envFile }: Globals): void {
  if (envFile === undefined) return;
  try {
    const values = parseEnv(readFileSync(envFile, 'utf8'));
    for (const [name, value] of Object.entries(values)) process.env[name] ??= value;
  } catch (error) {
    throw new UsageError(`The file of --env-file cannot be read: ${messageOf(error)}`);
  }
}

export interface OpenOptions {
  /** What running tasks and servers get at the end; asked when it comes. */
  graceMs?: () => number | undefined;
  /** Default `warn`. */
  level?: LogLevel;
  /** Whether tasks go on here that others left; default: only those of this command. */
  adopts?: 'all' | 'own';
}

/** Opens the runtime, uses it and closes it, however the use ends. */
export async function withRuntime(
  config: Config,
  globals: Globals,
  terminal: Terminal,
  use: (runtime: Runtime) => Promise<ExitCode>,
  { graceMs, level = 'warn', adopts = 'own' }: OpenOptions = {},
): Promise<ExitCode> {
  // Lazy: the vendors' packages behind the runtime are most of a command's start.
  const { openRuntime } = await import('../runtime.ts');
  const log = createLog(logLevelOf(globals, level), logStream(terminal));
  const runtime = await openRuntime(config, { log, adopts });
  // Who waits for news of another process waits for nothing that would keep this one.
  const alive = setInterval(() => undefined, 2 ** 30);
  try {
    return await use(runtime);
  } finally {
    clearInterval(alive);
    await runtime.close(graceMs?.());
  }
}

/** Log lines share the terminal with what is redrawn there. */
function logStream({ err }: Terminal): Writable & { isTTY?: boolean } {
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      writeAbove(err, chunk.toString());
      done();
    },
  });
  return Object.assign(stream, { isTTY: err.isTTY === true });
}
