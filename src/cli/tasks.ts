/** `deputy tasks list|get|watch|cancel|prune`: the tasks of the store, whoever works on them. */
import type { Config } from '../config/config.ts';
import { UsageError } from '../errors.ts';
import type { Runtime } from '../runtime.ts';
import { isTerminal, type Task, type TaskStatus } from '../task/task.ts';
import { printableJson } from './clean-text.ts';
import { type ExitCode, exitCode, exitCodeOfTask } from './exit.ts';
import type { Globals } from './globals.ts';
import { printTable, untilInterrupted } from './mcp.ts';
import { openConfig, withRuntime } from './open.ts';
import { ownerHere } from './owner-here.ts';
import { count, duration } from './progress-lines.ts';
import { channel, openQuestions, questionText, tellQuestions } from './questions.ts';
import { showTask } from './show-task.ts';
import type { Terminal } from './terminal.ts';

export interface TasksOptions {
  /** Whose tasks; default: $DEPUTY_OWNER, else `local`. */
  owner?: string;
  json?: boolean;
}

export interface ListOptions extends TasksOptions {
  agent?: string;
  status?: string;
  limit?: number;
}

const statuses: readonly TaskStatus[] = ['working', 'input_required', 'completed', 'failed', 'cancelled'];

export function listTasks(options: ListOptions, globals: Globals, terminal: Terminal): Promise<ExitCode> {
  const { agent, limit = 20, json } = options;
  const status = statuses.find((one) => one === options.status);
  if (options.status !== undefined && status === undefined)
    throw new UsageError(`"${options.status}" is no status: ${statuses.join(', ')}.`);
  return withTasks(options, globals, terminal, async ({ engine }, owner) => {
    const tasks = await engine.list({
      owner,
      limit,
      ...(agent !== undefined && { agent }),
      ...(status !== undefined && { status }),
    });
    if (json === true) terminal.out.write(`${printableJson({ type: 'tasks', tasks }, 2)}\n`);
    else if (tasks.length === 0) terminal.err.write(`${owner} has no such tasks here.\n`);
    else printTable(tasks.map(asRow), terminal);
    return exitCode.ok;
  });
}

export function getTask(id: string, options: TasksOptions, globals: Globals, terminal: Terminal): Promise<ExitCode> {
  return withTasks(options, globals, terminal, async ({ engine }, owner) => {
    const task = await engine.get(id, owner);
    if (options.json === true) terminal.out.write(`${printableJson(task, 2)}\n`);
    else printTask(task, terminal);
    return exitCode.ok;
  });
}

/** Until it has ended; Ctrl-C ends the watching, not the task. */
export function watchTask(id: string, options: TasksOptions, globals: Globals, terminal: Terminal): Promise<ExitCode> {
  return withTasks(options, globals, terminal, async ({ engine }, owner, signal) => {
    const show = { format: options.json === true ? 'stream-json' : 'text', quiet: globals.quiet === true } as const;
    const onQuestion = async (task: Task): Promise<'go on'> => {
      if (options.json !== true) tellQuestions(task, terminal);
      return 'go on';
    };
    const shown = await showTask(engine.watch(id, owner, { signal }), terminal, { ...show, onQuestion });
    return isTerminal(shown.task) ? exitCodeOfTask(shown.task) : exitCode.ok;
  });
}

export function cancelTask(id: string, options: TasksOptions, globals: Globals, terminal: Terminal): Promise<ExitCode> {
  return withTasks(options, globals, terminal, async ({ engine }, owner) => {
    const before = await engine.get(id, owner);
    const task = await engine.cancel(id, owner, { channel });
    if (options.json === true) terminal.out.write(`${printableJson(task, 2)}\n`);
    else terminal.err.write(isTerminal(before) ? `It had ended before: ${task.status}.\n` : 'Cancelled.\n');
    return task.status === 'cancelled' ? exitCode.ok : exitCode.failed;
  });
}

/** Puts a person's words before the next turn of a running task. */
export function sendToTask(
  id: string,
  message: string,
  options: TasksOptions,
  globals: Globals,
  terminal: Terminal,
): Promise<ExitCode> {
  return withTasks(options, globals, terminal, async ({ engine }, owner) => {
    if (message.trim() === '') throw new UsageError('The message is empty.');
    const task = await engine.send(id, owner, message, { channel });
    if (globals.quiet !== true) terminal.err.write(`Sent: ${task.agent} reads it before its next turn.\n`);
    return exitCode.ok;
  });
}

/** What waits for a time goes on now, where this store is served. */
export function retryTask(id: string, options: TasksOptions, globals: Globals, terminal: Terminal): Promise<ExitCode> {
  return withTasks(options, globals, terminal, async ({ engine }, owner) => {
    const before = await engine.get(id, owner);
    const task = await engine.retry(id, owner, { channel });
    const said = isTerminal(before)
      ? `It had ended before: ${task.status}.`
      : 'It tries again, where this store is served.';
    if (globals.quiet !== true) terminal.err.write(`${said}\n`);
    return exitCode.ok;
  });
}

export function pruneTasks(globals: Globals, terminal: Terminal): Promise<ExitCode> {
  return withTasks({}, globals, terminal, async ({ engine }) => {
    terminal.err.write(`Forgot ${count(await engine.prune(), 'task')} whose time was over.\n`);
    return exitCode.ok;
  });
}

/** The store, opened to look and to say something, not to work on anything. */
export function withTasks(
  { owner }: TasksOptions,
  globals: Globals,
  terminal: Terminal,
  use: (runtime: Runtime, owner: string, signal: AbortSignal, config: Config) => Promise<ExitCode>,
): Promise<ExitCode> {
  return untilInterrupted(async (signal) => {
    const config = await openConfig({ ...globals, quiet: true }, terminal);
    if ('sqlite' in config.store && config.store.sqlite === ':memory:')
      throw new UsageError('The store is in memory (store: { sqlite: ":memory:" }): there is nothing to look at.');
    return withRuntime(config, globals, terminal, (runtime) => use(runtime, ownerHere(owner), signal, config));
  });
}

const asRow = (task: Task): string[] => [
  task.id,
  task.status,
  task.agent,
  new Date(task.createdAt).toISOString().slice(0, 19).replace('T', ' '),
  openQuestions(task)
    .map(([, request]) => questionText(request))
    .join(' · ') || JSON.stringify(task.input['message'] ?? task.input),
];

function printTask(task: Task, terminal: Terminal): void {
  printTable(
    [
      ['task', task.id],
      ['agent', task.agent],
      ['status', task.status],
      ['owner', task.owner],
      ['conversation', task.conversation],
      ['started', new Date(task.createdAt).toISOString()],
      [
        isTerminal(task) ? 'took' : 'since',
        duration((isTerminal(task) ? task.updatedAt : Date.now()) - task.createdAt),
      ],
      ['input', JSON.stringify(task.input)],
      ...(task.statusMessage === undefined ? [] : [['doing', task.statusMessage]]),
      ...(task.status === 'completed' ? [['stop', task.result.stop]] : []),
      ...(task.status === 'failed' ? [['error', task.error.message]] : []),
    ],
    terminal,
  );
  tellQuestions(task, terminal);
}
