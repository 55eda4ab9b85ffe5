/** `deputy chat [AGENT]`: a conversation, one task a message. Lines come from a person or from a pipe. */
import { createInterface } from 'node:readline';
import { BusyError, DeputyError, messageOf } from '../errors.ts';
import { type ExitCode, exitCode, exitCodeOfError, exitCodeOfInterruption } from './exit.ts';
import { type Globals, named } from './globals.ts';
import { type Interruptions, watchInterruptions } from './interruptions.ts';
import { refuseLentModel } from './lent-model.ts';
import { openConfig, withRuntime } from './open.ts';
import { inputOf, runTask } from './run.ts';
import { paintFor, type Terminal } from './terminal.ts';

const greeting = 'Type a message. /new begins another conversation, /quit or Ctrl-D ends.';

/** @returns 0 for a person, who has seen what happened; for a pipe the code of the last task that did not go well. */
export async function chat(agentName: string | undefined, globals: Globals, terminal: Terminal): Promise<ExitCode> {
  const config = await openConfig(globals, terminal);
  const agent = named(config.agents, agentName ?? config.serve.expose[0] ?? config.agents[0]?.name ?? '', 'agent');
  refuseLentModel(config, agent.name);
  const show = { format: 'text', quiet: globals.quiet === true } as const;
  const paint = paintFor(terminal.err);

  return withRuntime(config, globals, terminal, async (runtime) => {
    if (process.stdin.isTTY && !show.quiet)
      terminal.err.write(`${paint('bold', agent.name)} ${paint('dim', greeting)}\n`);
    let conversation: string | undefined;
    let code: ExitCode = exitCode.ok;
    for await (const line of inputLines(paint('cyan', '> '))) {
      const message = line.trim();
      if (message === '') continue;
      if (message === '/quit' || message === '/exit') break;
      if (message === '/new') {
        conversation = undefined;
        continue;
      }
      const interruptions = watchInterruptions();
      try {
        const request = {
          agent: agent.name,
          input: inputOf(agent, message),
          ...(conversation !== undefined && { conversation }),
        };
        const done = await runTask(runtime, request, interruptions, show, terminal);
        if (done.code === exitCode.ok) conversation = done.conversation;
        else code = done.code;
      } catch (error) {
        if (!(error instanceof DeputyError) || error instanceof BusyError) throw error;
        terminal.err.write(`${paint('red', messageOf(error))}\n`);
        code = exitCodeOfError(error);
      } finally {
        interruptions.stop();
      }
      if (endsChat(interruptions)) return exitCodeOfInterruption(interruptions.first ?? 'SIGTERM');
    }
    return process.stdin.isTTY ? exitCode.ok : code;
  });
}

/** Ctrl-C ends the task, not the chat, where a person can go on; everything else ends both. */
const endsChat = ({ first }: Interruptions): boolean =>
  first === 'SIGTERM' || (first === 'SIGINT' && !process.stdin.isTTY);

async function* inputLines(prompt: string): AsyncIterable<string> {
  if (!process.stdin.isTTY) return yield* createInterface({ input: process.stdin });
  // One interface a line: while a task runs the terminal must not be in raw mode, or Ctrl-C would never be a signal.
  let history: string[] = [];
  for (;;) {
    const lines = createInterface({ input: process.stdin, output: process.stderr, prompt, history });
    lines.on('history', (newest) => (history = newest));
    lines.prompt();
    const line = await new Promise<string | undefined>((resolve) => {
      lines.once('line', resolve);
      lines.once('close', () => resolve(undefined));
    });
    lines.close();
    if (line === undefined) {
      process.stderr.write('\n');
      return;
    }
    yield line;
  }
}
