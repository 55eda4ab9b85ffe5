/** `deputy tasks transcript|export ID`: what happened, for people and for programs. */
import type { Content } from '../task/content.ts';
import type { TaskRecord } from '../task/engine.ts';
import { isTerminal } from '../task/task.ts';
import { redacted } from '../log.ts';
import { cleanText, oneLine, printableJson } from './clean-text.ts';
import { type ExitCode, exitCode } from './exit.ts';
import type { Globals } from './globals.ts';
import { questionText } from './questions.ts';
import { type TasksOptions, withTasks } from './tasks.ts';
import { paintFor, type Paint, type Terminal } from './terminal.ts';
import { type Entry, entriesOf } from '../agent/entries.ts';

export function showTranscript(
  id: string,
  options: TasksOptions,
  globals: Globals,
  terminal: Terminal,
): Promise<ExitCode> {
  return withTasks(options, globals, terminal, async ({ engine }, owner) => {
    const record = await engine.record(id, owner);
    const entries = entriesOf(record);
    if (options.json === true) {
      terminal.out.write(`${redacted(printableJson({ type: 'transcript', task: record.task, entries }, 2))}\n`);
    } else {
      for (const line of transcriptLines(record, entries, paintFor(terminal.out)))
        terminal.out.write(`${redacted(line)}\n`);
    }
    return exitCode.ok;
  });
}

/** Everything that the store has of the task, with secrets of this configuration blotted out. */
export function exportTask(id: string, options: TasksOptions, globals: Globals, terminal: Terminal): Promise<ExitCode> {
  return withTasks(options, globals, terminal, async ({ engine }, owner) => {
    const { task, steps, intents, questions, sent } = await engine.record(id, owner);
    const calls = [...intents].map(([key, intent]) => ({ key, ...intent }));
    terminal.out.write(
      `${redacted(printableJson({ type: 'task', version: 1, task, steps, intents: calls, questions, sent }, 2))}\n`,
    );
    return exitCode.ok;
  });
}

/** Results longer than this are shown by their beginning; --json has them whole. */
const shownResult = 2_000;

function transcriptLines({ task }: TaskRecord, entries: readonly Entry[], paint: Paint): string[] {
  const asked = typeof task.input['message'] === 'string' ? task.input['message'] : JSON.stringify(task.input);
  return [
    `${paint('bold', `${task.agent} ${task.id}`)} ${paint('dim', `${task.status}, ${timeOf(task.createdAt)}, of ${task.owner}`)}`,
    '',
    ...block(paint('cyan', task.owner), asked, ''),
    ...entries.flatMap((entry) => entryLines(entry, task.agent, paint)),
    ...(task.status === 'failed' ? block(paint('red', 'failed'), task.error.message, '') : []),
    ...(task.status === 'completed' && task.result.stop !== 'answer'
      ? block(paint('red', `stopped: ${task.result.stop}`), textIn(task.result.content), '')
      : []),
    ...(isTerminal(task) ? [] : [paint('dim', `(${task.status.replaceAll('_', ' ')})`)]),
  ];
}

function entryLines(entry: Entry, agent: string, paint: Paint): string[] {
  const indent = '  '.repeat(entry.path === '' ? 0 : entry.path.split('/').length);
  switch (entry.kind) {
    case 'reply': {
      const said = entry.content.flatMap((one) => (one.type === 'text' ? [one.text] : [])).join('\n');
      const calls = entry.content.flatMap((one) => (one.type === 'tool_call' ? [one] : []));
      const head = `${paint('green', entry.path === '' ? agent : 'nested agent')} ${paint('dim', `turn ${entry.turn}, ${entry.model}`)}`;
      return [
        ...block(head, said, indent),
        ...calls.map(({ name, args }) => `${indent}  ${paint('bold', name)} ${cleanText(JSON.stringify(args))}`),
      ];
    }
    case 'stop':
      return block(paint('red', 'the model did not answer'), entry.message, indent);
    case 'result': {
      const text = textIn(entry.content);
      const shown = text.length <= shownResult ? text : `${text.slice(0, shownResult)}… (${text.length} characters)`;
      const mark = entry.isError ? paint('red', 'failed') : paint('dim', 'returned');
      return block(`${indent}  ${paint('bold', entry.tool ?? `call ${entry.call}`)} ${mark}`, shown, `${indent}  `);
    }
    case 'unfinished':
      return block(
        paint('yellow', `a call left and was not heard of again (${entry.effect})`),
        entry.bytes,
        `${indent}  `,
      );
    case 'wait': {
      const until = entry.isOver ? '' : ` (until ${timeOf(entry.until)}; now: deputy tasks retry)`;
      return block(paint('yellow', 'waits'), `${entry.message}${until}`, `${indent}  `);
    }
    case 'sent': {
      const heard = entry.turn === undefined ? ', not read yet' : `, read before turn ${entry.turn}`;
      return block(`${paint('cyan', entry.by.owner)} ${paint('dim', `while it worked${heard}`)}`, entry.text, indent);
    }
    case 'question': {
      const { answer, request } = entry;
      const lines = block(paint('yellow', `asked (${entry.wireKey})`), questionText(request), `${indent}  `);
      if (answer === undefined) return [...lines, `${indent}    ${paint('yellow', 'not answered yet')}`];
      const { response, by, at } = answer;
      const said = response.action === 'accept' ? JSON.stringify(response.content) : response.action;
      const who = paint('dim', `${by.owner} over ${by.channel}, ${timeOf(at)}`);
      return [...lines, `${indent}    ${cleanText(said)} ${who}`];
    }
  }
}

function block(head: string, text: string, indent: string): string[] {
  const lines = text === '' ? [] : cleanText(text).split('\n');
  return [`${indent}${head.trimStart()}`, ...lines.map((line) => `${indent}  ${line}`)];
}

const textIn = (content: readonly Content[]): string =>
  content
    .map((one) =>
      one.type === 'text' ? one.text : `[${one.type === 'resource_link' ? oneLine(one.uri, 200) : one.type}]`,
    )
    .join('\n');

const timeOf = (at: number): string => new Date(at).toISOString().slice(0, 19).replace('T', ' ');
