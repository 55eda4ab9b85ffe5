/** `deputy audit verify|export`: the record of every decision. */
import { redacted } from '../log.ts';
import { printableJson } from './clean-text.ts';
import { type ExitCode, exitCode } from './exit.ts';
import type { Globals } from './globals.ts';
import { withTasks } from './tasks.ts';
import type { Terminal } from './terminal.ts';

export function verifyAudit(options: { json?: boolean }, globals: Globals, terminal: Terminal): Promise<ExitCode> {
  return withTasks({}, globals, terminal, async ({ engine }) => {
    const verdict = await engine.verifyAudit();
    if (options.json === true) terminal.out.write(`${printableJson({ type: 'audit', ...verdict }, 2)}\n`);
    else if (verdict.kind === 'broken')
      terminal.err.write(`Entry ${verdict.seq} of the audit log does not hold: ${verdict.why}.\n`);
    else {
      const known = verdict.isAnchored
        ? 'up to what is noted beside the store'
        : 'but no note of its end is beside the store: entries that were dropped from its end would not show';
      terminal.out.write(`${verdict.entries === 1 ? '1 entry' : `${verdict.entries} entries`}, unbroken, ${known}.\n`);
    }
    return verdict.kind === 'intact' ? exitCode.ok : exitCode.failed;
  });
}

export function exportAudit(globals: Globals, terminal: Terminal): Promise<ExitCode> {
  return withTasks({}, globals, terminal, async ({ engine }) => {
    for await (const entry of engine.audit()) terminal.out.write(`${redacted(printableJson(entry))}\n`);
    return exitCode.ok;
  });
}
