/** The commands under `deputy tasks`. */
import { type Command, InvalidArgumentError } from 'commander';
import { messageOf } from '../errors.ts';
import type { ExitCode } from './exit.ts';
import type { Globals } from './globals.ts';
import { readCount } from './measures.ts';
import type { RespondOptions } from './tasks-respond.ts';
import type { ListOptions, TasksOptions } from './tasks.ts';
import type { Terminal } from './terminal.ts';

type Run = (command: (globals: Globals, terminal: Terminal) => Promise<ExitCode>) => Promise<void>;

export function addTasksCommands(program: Command, run: Run): void {
  const tasks = program
    .command('tasks')
    .description('look at the tasks of the store, answer what they ask, end them')
    .option('--owner <name>', 'whose tasks (default: $DEPUTY_OWNER, else local)');
  const of = <T extends object>(options: T): T & TasksOptions => ({ ...tasks.opts<{ owner?: string }>(), ...options });

  tasks
    .command('list')
    .description('the newest tasks, and what they wait for')
    .option('--agent <name>', 'of this agent only')
    .option('--status <status>', 'such as input_required')
    .option('--limit <number>', 'how many (default: 20)', count)
    .option('--json', 'print one object')
    .action(async (options: ListOptions) => {
      const { listTasks } = await import('./tasks.ts');
      await run((...here) => listTasks(of(options), ...here));
    });
  tasks
    .command('get')
    .description('one task, as it is now')
    .argument('<task>', 'its id')
    .option('--json', 'print one object')
    .action(async (id: string, options: TasksOptions) => {
      const { getTask } = await import('./tasks.ts');
      await run((...here) => getTask(id, of(options), ...here));
    });
  tasks
    .command('watch')
    .description('follow a task until it has ended')
    .argument('<task>', 'its id')
    .option('--json', 'print one event a line')
    .action(async (id: string, options: TasksOptions) => {
      const { watchTask } = await import('./tasks.ts');
      await run((...here) => watchTask(id, of(options), ...here));
    });
  tasks
    .command('respond')
    .description('answer what a task asks; at a terminal, without an answer, the form is shown')
    .argument('<task>', 'its id')
    .argument('[answer...]', 'the key of the question, where several are open; then field=value: decision=run')
    .option('--json <object>', 'the whole answer as a JSON object')
    .option('--decline', 'say no')
    .option('--done', 'what was to be done at an address is done')
    .action(async (id: string, words: string[], options: Omit<RespondOptions, 'owner'>) => {
      const { respondToTask } = await import('./tasks-respond.ts');
      await run((...here) => respondToTask(id, words, { ...tasks.opts<{ owner?: string }>(), ...options }, ...here));
    });
  tasks
    .command('send')
    .description('say something to a running task: its agent reads it before its next turn')
    .argument('<task>', 'its id')
    .argument('<message>', 'what to say; - reads it from standard input')
    .action(async (id: string, message: string) => {
      const { sendToTask } = await import('./tasks.ts');
      const { readStdin } = await import('./read-stdin.ts');
      const text = message === '-' ? await readStdin() : message;
      await run((...here) => sendToTask(id, text, of({}), ...here));
    });
  tasks
    .command('retry')
    .description('go on now with a task that waits for its model to be available')
    .argument('<task>', 'its id')
    .action(async (id: string) => {
      const { retryTask } = await import('./tasks.ts');
      await run((...here) => retryTask(id, of({}), ...here));
    });
  tasks
    .command('cancel')
    .description('end a task')
    .argument('<task>', 'its id')
    .option('--json', 'print one object')
    .action(async (id: string, options: TasksOptions) => {
      const { cancelTask } = await import('./tasks.ts');
      await run((...here) => cancelTask(id, of(options), ...here));
    });
  tasks
    .command('transcript')
    .description('what was said, called, asked and answered')
    .argument('<task>', 'its id')
    .option('--json', 'print one object')
    .action(async (id: string, options: TasksOptions) => {
      const { showTranscript } = await import('./tasks-transcript.ts');
      await run((...here) => showTranscript(id, of(options), ...here));
    });
  tasks
    .command('export')
    .description('everything that is recorded of a task, as JSON')
    .argument('<task>', 'its id')
    .action(async (id: string) => {
      const { exportTask } = await import('./tasks-transcript.ts');
      await run((...here) => exportTask(id, of({}), ...here));
    });
  tasks
    .command('prune')
    .description('forget the tasks whose time is over (store.keep), now')
    .action(async () => {
      const { pruneTasks } = await import('./tasks.ts');
      await run(pruneTasks);
    });
}

function count(text: string): number {
  try {
    return readCount(text);
  } catch (error) {
    throw new InvalidArgumentError(messageOf(error));
  }
}
