/** `npm start`: the network of this repository's agents.yaml, at work on the repository's own files. */
import { join } from 'node:path';
import { DeputyError, messageOf } from '../errors.ts';
import { type ExitCode, exitCode, exitCodeOfError } from './exit.ts';
import { watchInterruptions } from './interruptions.ts';
import { openConfig, withRuntime } from './open.ts';
import { runTask } from './run.ts';
import { paintFor, processTerminal as terminal } from './terminal.ts';

const usualQuestion = 'How do the server and the agent loop meet, and what is a task? Put it into a report.';

async function demo(question: string): Promise<ExitCode> {
  const paint = paintFor(terminal.err);
  const say = (line: string) => terminal.err.write(`${line}\n`);
  const file = join(import.meta.dirname, '..', '..', 'agents.yaml');
  const config = await openConfig({ config: file, quiet: true }, terminal);
  const isScripted = config.agents.every((agent) => agent.model.provider === 'scripted');

  say(`${paint('bold', 'deputy run librarian')} ${JSON.stringify(question)}`);
  if (isScripted)
    say(paint('dim', 'No ANTHROPIC_API_KEY or OPENAI_API_KEY: scripts think. Servers, tools and files are real.'));
  say('');
  const interruptions = watchInterruptions();
  try {
    const code = await withRuntime(config, {}, terminal, async (runtime) => {
      const request = { agent: 'librarian', input: { message: question } };
      const show = { format: 'text', quiet: false } as const;
      return (await runTask(runtime, request, interruptions, show, terminal)).code;
    });
    if (code === exitCode.ok) for (const line of nextSteps(isScripted)) say(line);
    return code;
  } finally {
    interruptions.stop();
  }
}

/** Three lines: another question, a host, a network of one's own. */
function nextSteps(isScripted: boolean): string[] {
  const title = (text: string) => paintFor(terminal.err)('bold', text);
  return [
    '',
    `${title('Ask more')}   ${isScripted ? 'ANTHROPIC_API_KEY=... ' : ''}npm start -- "Which errors can cross rooms?"`,
    `${title('Serve it')}   npm run --silent deputy -- install claude-code     (or codex, vscode, cursor, ...)`,
    `${title('Your own')}   npm run --silent deputy -- init my-agents`,
  ];
}

try {
  process.exitCode = await demo(process.argv.slice(2).join(' ') || usualQuestion);
} catch (error) {
  terminal.err.write(`${error instanceof DeputyError ? messageOf(error) : String(error)}\n`);
  process.exitCode = exitCodeOfError(error);
}
