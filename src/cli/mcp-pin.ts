/** `deputy mcp pin [TOOLS...]`: what servers changed of their tools since they were pinned, and its acceptance. */
import type { PinDifference } from '../mcp-client/open-servers.ts';
import { NotFoundError } from '../errors.ts';
import { cleanText, printableJson } from './clean-text.ts';
import { type ExitCode, exitCode } from './exit.ts';
import type { Globals } from './globals.ts';
import { untilInterrupted } from './mcp.ts';
import { openConfig, withRuntime } from './open.ts';
import { paintFor, type Terminal } from './terminal.ts';

/** Without a name nothing is accepted: then exit code 1 says that something waits to be. */
export function pinTools(
  wanted: readonly string[],
  { all, json }: { all?: boolean; json?: boolean },
  globals: Globals,
  terminal: Terminal,
): Promise<ExitCode> {
  return untilInterrupted(async (signal) => {
    const config = await openConfig(globals, terminal);
    const names = config.servers.map(({ name }) => name);
    const isWanted = ({ id }: PinDifference): boolean =>
      all === true || wanted.includes(id) || wanted.includes(id.split('/', 1)[0] ?? '');
    const unknown = wanted.find((one) => !names.includes(one.split('/', 1)[0] ?? ''));
    if (unknown !== undefined)
      throw new NotFoundError(`No server of ${unknown} is declared. There is: ${names.join(', ')}.`);

    return withRuntime(config, globals, terminal, async ({ servers }) => {
      const asked =
        wanted.length === 0 ? names : names.filter((name) => wanted.some((one) => one.split('/', 1)[0] === name));
      const differences = (await Promise.all(asked.map((name) => servers.pins(name, signal)))).flat();
      const accepted = differences.filter(isWanted);
      for (const one of accepted) await one.accept();
      const told = differences.map((one) => ({
        id: one.id,
        kind: one.kind,
        isAccepted: accepted.includes(one),
        diff: one.diff,
      }));
      if (json === true) terminal.out.write(`${printableJson({ type: 'pins', differences: told }, 2)}\n`);
      else print(told, terminal);
      return differences.length === accepted.length ? exitCode.ok : exitCode.failed;
    });
  });
}

function print(
  told: readonly { id: string; kind: string; isAccepted: boolean; diff: string }[],
  terminal: Terminal,
): void {
  const paint = paintFor(terminal.out);
  if (told.length === 0) terminal.err.write('Every tool is as it was pinned.\n');
  for (const { id, kind, isAccepted, diff } of told) {
    terminal.out.write(
      `${paint('bold', cleanText(id))} ${paint(isAccepted ? 'green' : 'yellow', isAccepted ? 'pinned' : kind)}\n`,
    );
    if (!isAccepted) terminal.out.write(`${cleanText(diff)}\n`);
  }
  if (told.some(({ isAccepted }) => !isAccepted))
    terminal.err.write('To accept: deputy mcp pin SERVER/TOOL ..., deputy mcp pin SERVER, or --all.\n');
}
