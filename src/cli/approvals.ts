/** `deputy approvals list|show|approve|deny|edit`: what tool calls wait for a person, and that person's word. */
import { isDeepStrictEqual } from 'node:util';
import { visible } from '../agent/visible.ts';
import { NotFoundError, UsageError } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import type { TaskEngine } from '../task/engine.ts';
import type { Approval, InputRequest } from '../task/question.ts';
import type { Task } from '../task/task.ts';
import { cleanText, oneLine, printableJson } from './clean-text.ts';
import { editText } from './edit-text.ts';
import { type ExitCode, exitCode } from './exit.ts';
import type { Globals } from './globals.ts';
import { printTable } from './mcp.ts';
import { duration } from './progress-lines.ts';
import { askHere, channel, isAttended, openQuestions } from './questions.ts';
import { type TasksOptions, withTasks } from './tasks.ts';
import { paintFor, type Terminal } from './terminal.ts';

export interface DecideOptions extends TasksOptions {
  /** The model reads it. */
  note?: string;
  for?: 'once' | 'task';
  /** JSON text that is run instead. */
  args?: string;
}

interface Waiting {
  task: Task;
  wireKey: string;
  request: Extract<InputRequest, { kind: 'form' }>;
  approval: Approval;
}

/** What is listed of one owner; whoever has more has other worries. */
const mostTasks = 1_000;

/** At a terminal, without `--json`: one after the other, to be decided. */
export function walkApprovals(options: TasksOptions, globals: Globals, terminal: Terminal): Promise<ExitCode> {
  return withTasks(options, globals, terminal, async ({ engine }, owner) => {
    const waiting = await waitingOf(engine, owner);
    if (!isAttended(terminal) || waiting.length === 0) return printList(waiting, options, terminal);
    for (const one of waiting) {
      // It may have been answered while the ones before it were.
      const task = await engine.get(one.task.id, owner);
      if (task.status !== 'input_required' || task.inputRequests[one.wireKey] === undefined) continue;
      printApproval(one, undefined, terminal.err);
      await askHere(engine, { ...task, inputRequests: { [one.wireKey]: one.request } }, terminal);
    }
    return exitCode.ok;
  });
}

export function listApprovals(options: TasksOptions, globals: Globals, terminal: Terminal): Promise<ExitCode> {
  return withTasks(options, globals, terminal, async ({ engine }, owner) =>
    printList(await waitingOf(engine, owner), options, terminal),
  );
}

/** All of one: every argument, the rule that asks, the change of the definition. */
export function showApproval(id: string, options: TasksOptions, globals: Globals, terminal: Terminal) {
  return withTasks(options, globals, terminal, async ({ engine }, owner): Promise<ExitCode> => {
    const one = chosen(await waitingOf(engine, owner), id, owner);
    const { questions } = await engine.record(one.task.id, owner);
    const expiresAt = questions.find(({ wireKey }) => wireKey === one.wireKey)?.expiresAt;
    if (options.json === true)
      terminal.out.write(`${printableJson({ type: 'approval', ...asJson(one), expiresAt: expiresAt ?? null }, 2)}\n`);
    else printApproval(one, expiresAt, terminal.out);
    return exitCode.ok;
  });
}

export function approve(id: string, options: DecideOptions, globals: Globals, terminal: Terminal): Promise<ExitCode> {
  const decision = options.for === 'task' ? 'approve_task' : 'approve';
  return decide(id, () => Promise.resolve({ decision }), options, globals, terminal);
}

export function deny(id: string, options: DecideOptions, globals: Globals, terminal: Terminal): Promise<ExitCode> {
  return decide(id, () => Promise.resolve({ decision: 'deny' }), options, globals, terminal);
}

/** Approves other arguments than were asked for: from `--args`, or from the editor. */
export function edit(id: string, options: DecideOptions, globals: Globals, terminal: Terminal): Promise<ExitCode> {
  const edited = async ({ approval }: Waiting): Promise<JsonObject> => {
    const before = pretty(approval.bytes);
    if (options.args === undefined && !isAttended(terminal))
      throw new UsageError(`Which arguments?\nhelp: deputy approvals edit ${id} --args '${approval.bytes}'`);
    const args = options.args ?? (await editText(before, '.json'));
    if (options.args === undefined && args.trim() === before.trim()) throw new UsageError('Nothing was changed.');
    return { decision: options.for === 'task' ? 'approve_task' : 'approve', args: jsonText(args) };
  };
  return decide(id, edited, options, globals, terminal);
}

function decide(
  id: string,
  contentFor: (one: Waiting) => Promise<JsonObject>,
  options: DecideOptions,
  globals: Globals,
  terminal: Terminal,
): Promise<ExitCode> {
  return withTasks(options, globals, terminal, async ({ engine }, owner) => {
    const one = chosen(await waitingOf(engine, owner), id, owner);
    const content = await contentFor(one);
    if (options.note !== undefined) content['note'] = options.note;
    const after = await engine.respond(
      one.task.id,
      owner,
      { [one.wireKey]: { action: 'accept', content } },
      { channel },
    );
    const { questions } = await engine.record(after.id, owner);
    const { answer } = questions.find(({ wireKey }) => wireKey === one.wireKey) ?? {};
    // Somebody else may have decided the same with other arguments.
    const isOurs = answer?.response.action === 'accept' && isDeepStrictEqual(answer.response.content, content);
    if (!isOurs) throw new NotFoundError(`${id} was decided elsewhere, or expired, before your answer came.`);
    const next = after.status === 'input_required' ? ` ${openQuestions(after).length} more open in this task.` : '';
    if (globals.quiet !== true) terminal.err.write(`${saidOf(content)}: ${one.approval.tool}.${next}\n`);
    return exitCode.ok;
  });
}

const saidOf = ({ decision, args }: JsonObject): string =>
  decision === 'deny' ? 'Denied' : args === undefined ? 'Approved' : 'Approved with your arguments';

async function waitingOf(engine: Pick<TaskEngine, 'list'>, owner: string): Promise<Waiting[]> {
  const tasks = await engine.list({ owner, status: 'input_required', limit: mostTasks });
  return tasks.toReversed().flatMap((task) =>
    openQuestions(task).flatMap(([wireKey, request]) => {
      const approval = request.kind === 'form' ? request.approval : undefined;
      return request.kind === 'form' && approval !== undefined ? [{ task, wireKey, request, approval }] : [];
    }),
  );
}

/** What people type: enough of the hash to tell it from the others. */
const shortId = ({ approval }: Waiting): string => approval.hash.slice(0, 10);
const shortestId = 4;

/** By the beginning of its id, by the key of its question, or by its task where that asks one thing only. */
function chosen(waiting: readonly Waiting[], id: string, owner: string): Waiting {
  const found = waiting.filter(
    ({ approval, wireKey, task }) =>
      (id.length >= shortestId && approval.hash.startsWith(id)) || wireKey === id || task.id === id,
  );
  const [one, another] = found;
  if (one === undefined)
    throw new NotFoundError(
      `No approval ${id} waits here for ${owner}: it was answered, it expired, or it never was. "deputy approvals list" says what waits.`,
    );
  if (another !== undefined)
    throw new UsageError(
      `${id} means several:\n${found.map((each) => `  ${shortId(each)}  ${lineOf(each)}`).join('\n')}`,
    );
  return one;
}

function printList(waiting: readonly Waiting[], { json }: TasksOptions, terminal: Terminal): ExitCode {
  if (json === true) terminal.out.write(`${printableJson({ type: 'approvals', approvals: waiting.map(asJson) }, 2)}\n`);
  else if (waiting.length === 0) terminal.err.write('No tool call waits for approval.\n');
  else
    printTable(
      waiting.map((one) => [shortId(one), one.approval.chain.join(' › '), one.approval.tool, one.approval.bytes]),
      terminal,
    );
  return exitCode.ok;
}

const lineOf = ({ approval }: Waiting): string =>
  oneLine(`${approval.chain.join(' › ')} ${approval.tool} ${approval.bytes}`, 120);

const asJson = (one: Waiting): JsonObject => ({
  id: shortId(one),
  task: one.task.id,
  key: one.wireKey,
  agent: one.task.agent,
  chain: [...one.approval.chain],
  tool: one.approval.tool,
  effect: one.approval.effect,
  arguments: one.approval.bytes,
  rule: one.approval.rule,
  hash: one.approval.hash,
  ...(one.approval.change !== undefined && { change: one.approval.change }),
});

function printApproval(one: Waiting, expiresAt: number | undefined, to: Terminal['out']): void {
  const { approval, task } = one;
  const paint = paintFor(to);
  const row = (name: string, value: string): unknown => to.write(`${paint('dim', name.padEnd(10))} ${value}\n`);
  to.write(`${paint('bold', cleanText(approval.tool))} ${paint('yellow', approval.effect)}\n`);
  row('id', shortId(one));
  row('task', task.id);
  row('asked by', cleanText(approval.chain.join(' › ')));
  row('because', cleanText(approval.rule));
  if (expiresAt !== undefined)
    row('expires', `${new Date(expiresAt).toISOString()} (in ${duration(Math.max(0, expiresAt - Date.now()))})`);
  to.write(`${shown(pretty(approval.bytes))}\n`);
  if (approval.change !== undefined)
    to.write(`${paint('yellow', 'its definition changed')}\n${shown(approval.change)}\n`);
}

/** Exact, but easier to read; what is no JSON stays as it is. */
function pretty(bytes: string): string {
  try {
    return JSON.stringify(JSON.parse(bytes), undefined, 2);
  } catch {
    return bytes;
  }
}

function jsonText(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text));
  } catch (error) {
    throw new UsageError(`The arguments are no JSON: ${error instanceof Error ? error.message : ''}`);
  }
}

/** Nothing hides in what a person is asked to judge. */
const shown = (text: string): string => text.split('\n').map(visible).join('\n');
