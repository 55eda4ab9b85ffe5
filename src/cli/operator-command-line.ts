/** The commands for whoever answers for the network: what rules decide, what calls what, what was decided, a copy of the store. */
import type { Command } from 'commander';
import type { ExitCode } from './exit.ts';
import type { Globals } from './globals.ts';
import type { Terminal } from './terminal.ts';

type Run = (command: (globals: Globals, terminal: Terminal) => Promise<ExitCode>) => Promise<void>;

export function addOperatorCommands(program: Command, run: Run): void {
  program
    .command('permissions')
    .description('what the rules of the configuration decide')
    .command('explain')
    .description('which rule decides about a tool call, and where it is written')
    .argument('<agent>', 'its name')
    .argument('<server/tool>', 'as "mcp tools" lists it')
    .argument('[arguments]', 'a JSON object, for conditions on arguments')
    .option('--effect <class>', 'read, idempotent, keyed or unsafe (default: as declared)')
    .option('--json', 'print one object')
    .action(
      async (agent: string, tool: string, args: string | undefined, options: { effect?: string; json?: boolean }) => {
        const { explainPermissions } = await import('./permissions.ts');
        await run((...here) => explainPermissions(agent, tool, args, options, ...here));
      },
    );

  program
    .command('graph')
    .description('what calls what, as a Mermaid flowchart; no server is started')
    .argument('[agent]', 'only what this agent reaches')
    .option('--json', 'print one object')
    .action(async (agent: string | undefined, options: { json?: boolean }) => {
      const { graph } = await import('./graph.ts');
      await run((...here) => graph(agent, options, ...here));
    });

  const audit = program
    .command('audit')
    .description('the record of every decision: append-only, each entry chained to the last');
  audit
    .command('verify')
    .description('check that nothing was changed, removed, inserted or reordered')
    .option('--json', 'print one object')
    .action(async (options: { json?: boolean }) => {
      const { verifyAudit } = await import('./audit.ts');
      await run((...here) => verifyAudit(options, ...here));
    });
  audit
    .command('export')
    .description('every entry, one JSON object a line')
    .action(async () => {
      const { exportAudit } = await import('./audit.ts');
      await run(exportAudit);
    });

  program
    .command('store')
    .description('the store of tasks')
    .command('backup')
    .description('a whole copy of the store, made while it is in use')
    .argument('<file>', 'a new file')
    .action(async (file: string) => {
      const { backupStore } = await import('./store.ts');
      await run((...here) => backupStore(file, ...here));
    });
}
