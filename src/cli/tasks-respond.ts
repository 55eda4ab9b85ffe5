/** `deputy tasks respond ID [KEY] [field=value ...]`: an answer, from a shell or from somebody at the terminal. */
import { NotFoundError, UsageError } from '../errors.ts';
import type { InputRequest, InputResponse } from '../task/question.ts';
import { isTerminal, type Task } from '../task/task.ts';
import { type ExitCode, exitCode } from './exit.ts';
import { contentFrom } from './form.ts';
import type { Globals } from './globals.ts';
import { jsonArgument } from './json-argument.ts';
import { answerCommand, askHere, channel, isAttended, openQuestions, questionText } from './questions.ts';
import { withTasks } from './tasks.ts';
import type { Terminal } from './terminal.ts';

export interface RespondOptions {
  owner?: string;
  /** The whole content, as a JSON object. */
  json?: string;
  decline?: boolean;
  /** For a question that was to be settled at an address. */
  done?: boolean;
}

export function respondToTask(
  id: string,
  words: readonly string[],
  options: RespondOptions,
  globals: Globals,
  terminal: Terminal,
): Promise<ExitCode> {
  const [first, ...rest] = words;
  const hasKey = first !== undefined && !first.includes('=');
  const said = { key: hasKey ? first : undefined, words: hasKey ? rest : words };
  const owner = options.owner === undefined ? {} : { owner: options.owner };

  return withTasks(owner, globals, terminal, async ({ engine }, asker) => {
    const task = await engine.get(id, asker);
    if (openQuestions(task).length === 0) {
      throw new UsageError(`Task ${id} asks nothing: it is ${task.status.replaceAll('_', ' ')}.`);
    }
    const isSaid =
      said.words.length > 0 || options.json !== undefined || options.decline === true || options.done === true;
    if (!isSaid && isAttended(terminal)) {
      const chosen = said.key === undefined ? task : only(task, said.key);
      return (await askHere(engine, chosen, terminal))
        ? told(await engine.get(id, asker), terminal)
        : exitCode.inputNeeded;
    }
    const [wireKey, request] = chosenQuestion(task, said.key);
    const response = responseTo(task, request, said.words, options);
    const after = await engine.respond(id, asker, { [wireKey]: response }, { channel });
    if (openQuestions(after).some(([key]) => key === wireKey)) throw new UsageError('The answer was not taken.');
    return told(after, terminal);
  });
}

/** @throws NotFoundError the key; UsageError several questions are open and none is named. */
function chosenQuestion(task: Task, key: string | undefined): [string, InputRequest] {
  const open = openQuestions(task);
  const found = key === undefined ? open : open.filter(([wireKey]) => wireKey === key);
  const [question] = found;
  if (question === undefined)
    throw new NotFoundError(`${key} is not open (any more). Open: ${open.map(([wireKey]) => wireKey).join(', ')}.`);
  if (found.length === 1) return question;
  const commands = open.map(
    ([wireKey, request]) =>
      `  ${answerCommand(task, wireKey, request) ?? wireKey}   (${questionText(request).split('\n')[0]})`,
  );
  throw new UsageError(`Several questions are open; say which:\n${commands.join('\n')}`);
}

function only(task: Task, key: string): Task {
  const [wireKey, request] = chosenQuestion(task, key);
  return task.status === 'input_required' ? { ...task, inputRequests: { [wireKey]: request } } : task;
}

function responseTo(
  task: Task,
  request: InputRequest,
  words: readonly string[],
  { json, decline, done }: RespondOptions,
): InputResponse {
  if (decline === true) return { action: 'decline' };
  if (request.kind === 'url' && done === true) return { action: 'accept', content: {} };
  if (request.kind !== 'form') {
    const command = answerCommand(task, undefined, request);
    throw new UsageError(
      `This question is no form. ${command === undefined ? 'Only an MCP client can answer it.' : `Answer: ${command}`}`,
    );
  }
  return {
    action: 'accept',
    content: contentFrom(
      request.schema,
      words,
      json === undefined ? {} : jsonArgument(json, 'The answer', '{"decision": "run"}'),
    ),
  };
}

function told(task: Task, terminal: Terminal): ExitCode {
  const open = openQuestions(task).length;
  const rest = open > 0 ? ` ${open} more open.` : '';
  const next = isTerminal(task)
    ? ''
    : ` It goes on where this store is served, or here with: deputy run --resume ${task.id}`;
  terminal.err.write(`Answered.${rest}${next}\n`);
  return exitCode.ok;
}
