/** Shows a task while it runs: the answer on stdout, what happens meanwhile on stderr. */
import type { TaskEvent } from '../task/event.ts';
import { isTerminal, type Task } from '../task/task.ts';
import { textOf } from '../task/content.ts';
import { cleanPieces, cleanText, printableJson } from './clean-text.ts';
import { liveArea } from './live-area.ts';
import { callsOf, eventLine, outcomeOf, treeLines } from './progress-lines.ts';
import { type AgentNode, emptyTree, grow, type ProgressTree } from './progress-tree.ts';
import { paintFor, type Terminal } from './terminal.ts';

export type Format = 'text' | 'json' | 'stream-json';

export interface ShowOptions {
  format: Format;
  /** No progress. */
  quiet: boolean;
  /**
   * The task asks something that it has not asked before. Nothing is redrawn until this resolves; then it is watched on,
   * or left as it is.
   */
  onQuestion?: (task: Task) => Promise<'go on' | 'leave'>;
}

export interface Shown {
  task: Task;
  /** The task's own agent, where it began to work. */
  agent?: AgentNode;
}

/** Everything that is shown of one task. */
interface View {
  add(tree: ProgressTree, event: TaskEvent): void;
  /** Somebody else writes to the terminal now, until the next event. */
  pause(): void;
  /** Called once, after the last event. */
  end(tree: ProgressTree): void;
  /** The answer is on stdout already: it was shown as it was written. */
  readonly hasShownAnswer: boolean;
}

const redrawEvery = 80;

/**
 * Consumes `events` up to the terminal status, or to a question at which the task is left. Prints the answer; of a task
 * that has none, why.
 */
export async function showTask(
  events: AsyncIterable<TaskEvent>,
  terminal: Terminal,
  { format, quiet, onQuestion }: ShowOptions,
): Promise<Shown> {
  const tree = emptyTree();
  const view = quiet
    ? answerOnly(terminal, format)
    : terminal.err.isTTY === true
      ? live(terminal, format)
      : lines(terminal, format);
  let task: Task | undefined;
  const asked = new Set<string>();
  for await (const event of events) {
    if (event.type === 'status') task = event.task;
    grow(tree, event);
    if (format === 'stream-json') terminal.out.write(`${printableJson(event)}\n`);
    view.add(tree, event);
    if (onQuestion && event.type === 'status' && asksAnew(event.task, asked)) {
      view.pause();
      if ((await onQuestion(event.task)) === 'leave') break;
    }
  }
  view.end(tree);
  if (!task) throw new Error('The task ended without a last status.');

  const shown = { task, ...(tree.root !== undefined && { agent: tree.root }) };
  if (format !== 'text') terminal.out.write(`${printableJson(summaryOf(shown), format === 'json' ? 2 : undefined)}\n`);
  else printEnd(task, terminal, view.hasShownAnswer);
  return shown;
}

/** Whether it has questions that are not in `asked`; they are then. */
function asksAnew(task: Task, asked: Set<string>): boolean {
  if (task.status !== 'input_required') return false;
  const before = asked.size;
  for (const key of Object.keys(task.inputRequests)) asked.add(key);
  return asked.size > before;
}

function printEnd(task: Task, terminal: Terminal, hasShownAnswer: boolean): void {
  const paint = paintFor(terminal.err);
  const complain = (message: string) => terminal.err.write(`${paint('red', cleanText(message))}\n`);
  if (task.status === 'failed') complain(task.error.message);
  if (task.status === 'cancelled') complain('cancelled');
  if (task.status !== 'completed') return;
  const { result } = task;
  if (result.isError === true) complain((hasShownAnswer ? '' : textOf(result.content)) || `stopped: ${result.stop}`);
  else if (!hasShownAnswer) terminal.out.write(`${answerText(task)}\n`);
}

/** The answer as a reader wants it: the structured one as JSON, else the text. */
function answerText(task: Task): string {
  if (task.status !== 'completed') return '';
  const { content, structuredContent } = task.result;
  return structuredContent === undefined ? cleanText(textOf(content)) : printableJson(structuredContent, 2);
}

/** `--json`: one object for scripts. The keys are a contract. */
function summaryOf({ task, agent }: Shown): Record<string, unknown> {
  const result = task.status === 'completed' ? task.result : undefined;
  return {
    type: 'result',
    agent: task.agent,
    task: task.id,
    conversation: task.conversation,
    status: task.status,
    isError: isTerminal(task) && (task.status !== 'completed' || result?.isError === true),
    ...(task.status === 'input_required' && { inputRequests: task.inputRequests }),
    ...(result && {
      stop: result.stop,
      ...(result.limit !== undefined && { limit: result.limit }),
      answer: textOf(result.content),
      ...(result.structuredContent !== undefined && { output: result.structuredContent }),
    }),
    ...(task.status === 'failed' && { error: task.error }),
    usage: result?.usage ?? agent?.usage,
    cost: (result?.usage ?? agent?.usage)?.cost ?? null,
    model: agent?.model,
    turns: agent?.turn ?? 0,
    durationMs: task.updatedAt - task.createdAt,
  };
}

/** The model's text, as it is written, where a person sees it; a turn's text that led to calls is part of the story. */
function streamedAnswer(terminal: Terminal, format: Format) {
  const streams = format === 'text' && terminal.out.isTTY === true;
  let clean = cleanPieces();
  let open = false;
  let endsLine = true;
  let answered = false;
  return {
    get isOpen() {
      return open;
    },
    get answered() {
      return answered;
    },
    /** @returns whether text was written or closed, which needs the live area out of the way. */
    takes: (event: TaskEvent): boolean =>
      streams &&
      event.type !== 'status' &&
      event.path === '' &&
      (event.type === 'text_delta' || (open && event.type === 'turn_end')),
    take(event: TaskEvent): void {
      if (event.type === 'text_delta') {
        const text = clean(event.text);
        endsLine = text === '' ? endsLine : text.endsWith('\n');
        open = true;
        terminal.out.write(text);
      } else if (event.type === 'turn_end') {
        if (!endsLine) terminal.out.write('\n');
        endsLine = true;
        answered = event.calls === 0;
        open = false;
        clean = cleanPieces();
      }
    },
  };
}

function answerOnly(terminal: Terminal, format: Format): View {
  const answer = streamedAnswer(terminal, format);
  return {
    add: (_, event) => void (answer.takes(event) && answer.take(event)),
    pause: () => undefined,
    end: () => void (answer.isOpen && terminal.out.write('\n')),
    get hasShownAnswer() {
      return answer.answered;
    },
  };
}

/** One plain line a change. */
function lines(terminal: Terminal, format: Format): View {
  const answer = answerOnly(terminal, format);
  return {
    add(tree, event) {
      answer.add(tree, event);
      const line = eventLine(tree, event);
      if (line !== undefined) terminal.err.write(`${line}\n`);
    },
    pause: () => undefined,
    end: (tree) => answer.end(tree),
    get hasShownAnswer() {
      return answer.hasShownAnswer;
    },
  };
}

/**
 * A tree that grows at the end of the terminal. Before the model's text is written below it, what the tree says is
 * left standing, so that the screen reads as a transcript.
 */
function live(terminal: Terminal, format: Format): View {
  const answer = streamedAnswer(terminal, format);
  const area = liveArea(terminal.err);
  const paint = paintFor(terminal.err);
  let newest: ProgressTree = emptyTree();
  let standing = 0;
  let frame = 0;
  const options = () => ({ width: area.columns, now: Date.now(), paint, frame, from: standing });
  const draw = () => {
    frame += 1;
    if (!answer.isOpen && newest.root) area.draw(treeLines(newest, options()));
  };
  const settle = (tree: ProgressTree) => {
    area.clear();
    const settled = callsOf(tree, options());
    if (settled.length > 0) terminal.err.write(`${settled.join('\n')}\n`);
    standing = tree.root?.calls.length ?? 0;
  };
  let isPaused = false;
  const ticking = setInterval(() => isPaused || draw(), redrawEvery);
  ticking.unref();
  return {
    add(tree, event) {
      newest = tree;
      isPaused = false;
      const wait = event.type === 'status' ? eventLine(tree, event) : undefined;
      if (wait !== undefined) {
        area.clear();
        terminal.err.write(`${paint('yellow', wait)}\n`);
      }
      if (!answer.takes(event)) return;
      if (!answer.isOpen) settle(tree);
      answer.take(event);
    },
    pause() {
      isPaused = true;
      if (answer.isOpen) terminal.out.write('\n');
      area.clear();
    },
    end(tree) {
      clearInterval(ticking);
      if (answer.isOpen) terminal.out.write('\n');
      settle(tree);
      const { root } = tree;
      if (!root) return;
      const mark = root.stop === 'answer' ? paint('green', '✓') : paint('red', '✗');
      terminal.err.write(`${mark} ${paint('bold', cleanText(root.name))} ${paint('dim', outcomeOf(root))}\n`);
    },
    get hasShownAnswer() {
      return answer.answered;
    },
  };
}
