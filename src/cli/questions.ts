/** The open questions of a task: asked at this terminal, or, where nobody sits there, named with the command that answers. */
import type { TaskEngine } from '../task/engine.ts';
import type { InputRequest, InputResponse } from '../task/question.ts';
import type { Task } from '../task/task.ts';
import { askForm, lineReader } from './ask-form.ts';
import { cleanText } from './clean-text.ts';
import { fieldsOf, usageOf } from './form.ts';
import { paintFor, type Terminal } from './terminal.ts';

/** What the journal calls this way of answering. */
export const channel = 'cli';

/** Somebody can be asked here. */
export const isAttended = (terminal: Terminal): boolean => process.stdin.isTTY && terminal.err.isTTY === true;

export const openQuestions = (task: Task): [wireKey: string, request: InputRequest][] =>
  task.status === 'input_required' ? Object.entries(task.inputRequests) : [];

/**
 * Asks everything that `task` asks, one after the other; what is answered elsewhere meanwhile is withdrawn.
 * @returns whether nothing was left open.
 */
export async function askHere(
  engine: Pick<TaskEngine, 'respond' | 'watch'>,
  task: Task,
  terminal: Terminal,
): Promise<boolean> {
  const answered = { count: 0 };
  for (const [wireKey, request] of openQuestions(task)) {
    const open = new AbortController();
    abortOnceAnswered(engine, task, wireKey, open).catch(() => undefined);
    const reader = lineReader(open.signal);
    try {
      const response = await askForm(request, terminal.err, reader.readLine);
      if (response !== undefined) {
        await engine.respond(task.id, task.owner, { [wireKey]: response }, { channel });
        answered.count += 1;
      } else if (open.signal.aborted) {
        terminal.err.write('\n  Already decided elsewhere.\n');
        answered.count += 1;
      }
    } finally {
      open.abort();
      reader.close();
    }
  }
  return answered.count === openQuestions(task).length;
}

/** A question of no task, asked of whoever sits here; where nobody does, it is dismissed. */
export async function askOnce(request: InputRequest, open: AbortSignal, terminal: Terminal): Promise<InputResponse> {
  if (!isAttended(terminal)) return { action: 'cancel' };
  const reader = lineReader(open);
  try {
    return (await askForm(request, terminal.err, reader.readLine)) ?? { action: 'cancel' };
  } finally {
    reader.close();
  }
}

async function abortOnceAnswered(
  engine: Pick<TaskEngine, 'watch'>,
  { id, owner }: Task,
  wireKey: string,
  open: AbortController,
): Promise<void> {
  for await (const event of engine.watch(id, owner, { signal: open.signal })) {
    if (event.type === 'status' && openQuestions(event.task).every(([key]) => key !== wireKey)) open.abort();
  }
}

/** Denies every tool call that waits for a person. @returns the task with what else it asks. */
export async function denyApprovals(engine: Pick<TaskEngine, 'respond'>, task: Task): Promise<Task> {
  const open = openQuestions(task);
  const [approvals, others] = [true, false].map((isApproval) =>
    open.filter(([, request]) => (request.kind === 'form' && request.approval !== undefined) === isApproval),
  );
  const denial: InputResponse = {
    action: 'accept',
    content: { decision: 'deny', note: 'Nobody is here to approve it.' },
  };
  const answers = Object.fromEntries((approvals ?? []).map(([wireKey]) => [wireKey, denial]));
  await engine.respond(task.id, task.owner, answers, { channel });
  return task.status === 'input_required' ? { ...task, inputRequests: Object.fromEntries(others ?? []) } : task;
}

/** What is asked, and how to answer it from a shell. */
export function tellQuestions(task: Task, terminal: Terminal, hint = ''): void {
  const paint = paintFor(terminal.err);
  const open = openQuestions(task);
  for (const [wireKey, request] of open) {
    terminal.err.write(`\n${paint('yellow', '?')} ${cleanText(questionText(request)).replaceAll('\n', '\n  ')}\n`);
    const command = answerCommand(task, open.length === 1 ? undefined : wireKey, request);
    if (command !== undefined) terminal.err.write(`  ${paint('bold', command)}\n`);
  }
  if (hint !== '') terminal.err.write(`${hint}\n`);
}

export function questionText(request: InputRequest): string {
  switch (request.kind) {
    case 'form':
      return request.message;
    case 'url':
      return `${request.message}\n${request.url}`;
    case 'sampling':
      return 'It asks for the model of an MCP client.';
    case 'roots':
      return 'It asks for the folders of an MCP client.';
  }
}

/** Undefined where only an MCP client can answer. */
export function answerCommand(task: Task, wireKey: string | undefined, request: InputRequest): string | undefined {
  const command = ['deputy tasks respond', task.id, ...(wireKey === undefined ? [] : [wireKey])];
  if (request.kind === 'form') return [...command, usageOf(fieldsOf(request.schema))].join(' ').trimEnd();
  return request.kind === 'url' ? [...command, '--done'].join(' ') : undefined;
}
