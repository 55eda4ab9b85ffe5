/** The commands under `deputy approvals`. */
import { type Command, Option } from 'commander';
import type { DecideOptions } from './approvals.ts';
import type { ExitCode } from './exit.ts';
import type { Globals } from './globals.ts';
import type { TasksOptions } from './tasks.ts';
import type { Terminal } from './terminal.ts';

type Run = (command: (globals: Globals, terminal: Terminal) => Promise<ExitCode>) => Promise<void>;

export function addApprovalsCommands(program: Command, run: Run): void {
  const approvals = program
    .command('approvals')
    .description('tool calls that wait for a person; at a terminal, without a command: one after the other')
    .option('--owner <name>', 'whose tasks (default: $DEPUTY_OWNER, else local)')
    .action(async () => {
      const { walkApprovals } = await import('./approvals.ts');
      await run((...here) => walkApprovals(of({}), ...here));
    });
  const of = <T extends object>(options: T): T & TasksOptions => ({
    ...approvals.opts<{ owner?: string }>(),
    ...options,
  });
  const forOption = () =>
    new Option('--for <what>', 'this call, or this tool for the rest of the task').choices(['once', 'task']);

  approvals
    .command('list')
    .description('what waits, oldest first')
    .option('--json', 'print one object')
    .action(async (options: TasksOptions) => {
      const { listApprovals } = await import('./approvals.ts');
      await run((...here) => listApprovals(of(options), ...here));
    });
  approvals
    .command('show')
    .description('one call with all its arguments, who asks, and the rule that asks')
    .argument('<id>', 'as "approvals list" has it')
    .option('--json', 'print one object')
    .action(async (id: string, options: TasksOptions) => {
      const { showApproval } = await import('./approvals.ts');
      await run((...here) => showApproval(id, of(options), ...here));
    });
  approvals
    .command('approve')
    .description('let the call run, once')
    .argument('<id>', 'as "approvals list" has it')
    .option('--note <text>', 'for the record')
    .addOption(forOption())
    .action(async (id: string, options: DecideOptions) => {
      const { approve } = await import('./approvals.ts');
      await run((...here) => approve(id, of(options), ...here));
    });
  approvals
    .command('deny')
    .description('do not let the call run; the agent goes on without it')
    .argument('<id>', 'as "approvals list" has it')
    .option('--note <text>', 'why: the model reads it')
    .action(async (id: string, options: DecideOptions) => {
      const { deny } = await import('./approvals.ts');
      await run((...here) => deny(id, of(options), ...here));
    });
  approvals
    .command('edit')
    .description('let the call run with other arguments: in the editor, or from --args')
    .argument('<id>', 'as "approvals list" has it')
    .option('--args <json>', 'the arguments to run instead')
    .option('--note <text>', 'for the record')
    .addOption(forOption())
    .action(async (id: string, options: DecideOptions) => {
      const { edit } = await import('./approvals.ts');
      await run((...here) => edit(id, of(options), ...here));
    });
}
