import type { Entry } from '../agent/entries.ts';
import type { Content } from '../task/content.ts';
import { isTerminal, type Task } from '../task/task.ts';
import { oneLine } from './task-wire.ts';

/** Results longer than this are given by their beginning; the journal has them whole. */
const shownResult = 2000;

/** What was said in a task, as Markdown for people and for models. What others wrote stays inside quotations. */
export function transcriptText(task: Task, entries: readonly Entry[]): string {
  const asked = typeof task.input['message'] === 'string' ? task.input['message'] : JSON.stringify(task.input);
  const parts = [`# ${task.agent}: ${task.status.replaceAll('_', ' ')}`, `**Request**\n\n${quoted(asked)}`];
  for (const entry of entries) parts.push(entryText(task.agent, entry));
  if (task.status === 'failed') parts.push(`**Failed**\n\n${quoted(task.error.message)}`);
  if (task.status === 'completed' && entries.length === 0)
    parts.push(`**Answer**\n\n${quoted(textIn(task.result.content))}`);
  if (task.status === 'completed' && task.result.stop !== 'answer') parts.push(`**Stopped**: ${task.result.stop}`);
  if (!isTerminal(task)) parts.push('(not over)');
  return `${parts.join('\n\n')}\n`;
}

function entryText(agent: string, entry: Entry): string {
  const who = entry.path === '' ? agent : `an agent that ${agent} called`;
  switch (entry.kind) {
    case 'reply': {
      const said = entry.content.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('\n');
      const calls = entry.content.flatMap((block) => (block.type === 'tool_call' ? [block] : []));
      const lines = calls.map(({ name, args }) => `- calls \`${name}\` with ${JSON.stringify(args)}`);
      const head = `**${who}**, turn ${entry.turn}`;
      return [head, ...(said === '' ? [] : [quoted(said)]), ...(lines.length === 0 ? [] : [lines.join('\n')])].join(
        '\n\n',
      );
    }
    case 'stop':
      return `**${who}**, turn ${entry.turn}: no answer\n\n${quoted(entry.message)}`;
    case 'result': {
      const text = textIn(entry.content);
      const shown = text.length <= shownResult ? text : `${text.slice(0, shownResult)}… (${text.length} characters)`;
      return `**${entry.tool ?? `call ${entry.call}`}** ${entry.isError ? 'failed' : 'returned'}\n\n${quoted(shown)}`;
    }
    case 'unfinished':
      return `**A call left and was not heard of again** (${entry.effect})\n\n${quoted(entry.bytes)}`;
    case 'question': {
      const { answer } = entry;
      const said = answer === undefined ? 'not answered yet' : `${answer.response.action}, by ${answer.by.owner}`;
      return `**Asked**: ${said}\n\n${quoted(oneLine(entry.request))}`;
    }
    case 'wait':
      return `**${entry.isOver ? 'Waited' : 'Waits'}** until ${new Date(entry.until).toISOString()}\n\n${quoted(entry.message)}`;
    case 'sent':
      return `**${entry.by.owner} said**${entry.turn === undefined ? ', not read yet' : ''}\n\n${quoted(entry.text)}`;
  }
}

const quoted = (text: string): string =>
  text
    .split('\n')
    .map((line) => `> ${line}`)
    .join('\n');

const textIn = (content: readonly Content[]): string =>
  content.map((block) => (block.type === 'text' ? block.text : `[${block.type}]`)).join('\n');
