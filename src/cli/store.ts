/** `deputy store backup FILE`. */
import { resolve } from 'node:path';
import { type ExitCode, exitCode } from './exit.ts';
import type { Globals } from './globals.ts';
import { withTasks } from './tasks.ts';
import type { Terminal } from './terminal.ts';

export function backupStore(file: string, globals: Globals, terminal: Terminal): Promise<ExitCode> {
  return withTasks({}, globals, terminal, async ({ engine }) => {
    await engine.backup(resolve(file));
    if (globals.quiet !== true) terminal.err.write(`Copied to ${file}. To use it: store: { sqlite: ${file} }\n`);
    return exitCode.ok;
  });
}
