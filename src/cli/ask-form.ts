/** A question put to the person at the terminal, field by field. */
import { createInterface } from 'node:readline';
import { schemaCheck } from '../json-schema.ts';
import type { JsonObject } from '../json.ts';
import type { InputRequest, InputResponse } from '../task/question.ts';
import { cleanText } from './clean-text.ts';
import { type Field, fieldsOf, valueOf } from './form.ts';
import { paintFor, type Stream } from './terminal.ts';

/** A line that somebody typed; undefined at the end of the input, or when it need not be asked any more. */
export type ReadLine = (prompt: string) => Promise<string | undefined>;

/** @returns undefined where the person leaves it open. */
export async function askForm(
  request: InputRequest,
  err: Stream,
  readLine: ReadLine,
): Promise<InputResponse | undefined> {
  const paint = paintFor(err);
  const say = (line: string): unknown => err.write(`${line}\n`);
  say('');
  switch (request.kind) {
    case 'form': {
      const [first = '', ...rest] = cleanText(request.message).split('\n');
      say(`${paint('yellow', '?')} ${paint('bold', first)}`);
      for (const line of rest) say(`  ${line}`);
      return askFields(request.schema, err, readLine);
    }
    case 'url':
      say(`${paint('yellow', '?')} ${paint('bold', cleanText(request.message))}`);
      say(`  Open ${cleanText(request.url)}`);
      return yesOrNo('  Done? [y/n] ', readLine);
    case 'sampling':
    case 'roots':
      say(paint('dim', 'It asks for something that only an MCP client can answer; the question stays open.'));
      return undefined;
  }
}

async function askFields(schema: JsonObject, err: Stream, readLine: ReadLine): Promise<InputResponse | undefined> {
  const fields = fieldsOf(schema);
  if (fields.length === 0) return yesOrNo('  Agreed? [y/n] ', readLine);
  for (;;) {
    const content: JsonObject = {};
    for (const field of fields) {
      const answer = await askField(field, err, readLine);
      if (answer === undefined) return undefined;
      if (answer !== '') content[field.name] = valueOf(field, answer);
    }
    const fault = schemaCheck(schema)(content);
    if (fault === undefined) return { action: 'accept', content };
    err.write(`  That does not fit: ${cleanText(fault)}\n`);
  }
}

/** @returns empty where an optional field was left out. */
async function askField(field: Field, err: Stream, readLine: ReadLine): Promise<string | undefined> {
  const { title, description, isRequired, kind, choices } = field;
  const paint = paintFor(err);
  if (choices !== undefined) {
    err.write(`  ${cleanText(title)}\n`);
    for (const [index, choice] of choices.entries()) err.write(`    ${index + 1}  ${cleanText(choice.title)}\n`);
  }
  const hint = choices !== undefined ? '' : kind === 'boolean' ? ' [y/n]' : isRequired ? '' : ' (optional)';
  const prompt = choices === undefined ? `  ${cleanText(title)}${hint}: ` : `  [1-${choices.length}]: `;
  if (description !== undefined && choices === undefined) err.write(paint('dim', `  ${cleanText(description)}\n`));
  for (;;) {
    const line = (await readLine(prompt))?.trim();
    if (line === undefined) return undefined;
    if (line === '') {
      if (!isRequired) return '';
      continue;
    }
    if (choices === undefined) return line;
    const chosen = line.split(',').map((part) => choiceOf(part.trim(), choices));
    if (chosen.every((one) => one !== undefined) && (kind === 'list' || chosen.length === 1)) return chosen.join(',');
  }
}

/** By its number, its value or its title. */
const choiceOf = (text: string, choices: NonNullable<Field['choices']>): string | undefined =>
  (choices[Number(text) - 1] ?? choices.find(({ value, title }) => text === value || text === title))?.value;

async function yesOrNo(prompt: string, readLine: ReadLine): Promise<InputResponse | undefined> {
  for (;;) {
    const line = (await readLine(prompt))?.trim();
    if (line === undefined) return undefined;
    if (/^y(es)?$/i.test(line)) return { action: 'accept', content: {} };
    if (/^no?$/i.test(line)) return { action: 'decline' };
  }
}

/** Standard input as somebody types it. Ctrl-D leaves a question open; Ctrl-C is a signal as everywhere. */
export function lineReader(signal: AbortSignal): { readLine: ReadLine; close(): void } {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const typed: string[] = [];
  const input = { isOver: false };
  let wake = (): void => undefined;
  const end = (): void => {
    input.isOver = true;
    wake();
  };
  lines.on('line', (line) => {
    typed.push(line);
    wake();
  });
  lines.on('close', end);
  lines.on('SIGINT', () => {
    end();
    process.kill(process.pid, 'SIGINT');
  });
  signal.addEventListener('abort', end, { once: true });
  return {
    async readLine(prompt) {
      lines.setPrompt(prompt);
      if (!input.isOver) lines.prompt();
      while (typed.length === 0 && !input.isOver) await new Promise<void>((resolve) => (wake = resolve));
      return input.isOver ? undefined : typed.shift();
    },
    close() {
      signal.removeEventListener('abort', end);
      lines.close();
    },
  };
}
