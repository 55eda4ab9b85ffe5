/** What a command may print to: the two streams of the process, or a test's own. */
import { styleText } from 'node:util';

export interface Stream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

export interface Terminal {
  /** The answer or the protocol, and nothing else. */
  readonly out: Stream;
  /** Progress, logs, prompts, complaints. */
  readonly err: Stream;
}

export const processTerminal: Terminal = { out: process.stdout, err: process.stderr };

type Style = Parameters<typeof styleText>[0];
export type Paint = (style: Style, text: string) => string;

/** Colour where `stream` is a terminal that has it, and where nobody said no (https://no-color.org). */
export function paintFor(stream: Stream, env: NodeJS.ProcessEnv = process.env): Paint {
  const forced = env['FORCE_COLOR'] !== undefined && env['FORCE_COLOR'] !== '0' && env['FORCE_COLOR'] !== '';
  const refused = (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb' || env['FORCE_COLOR'] === '0';
  const colours = !refused && (forced || stream.isTTY === true);
  return colours ? (style, text) => styleText(style, text, { validateStream: false }) : (_, text) => text;
}

/** A reader that went away (`deputy ... | head -1`) is no fault of anybody: leave without a word. */
export function endQuietlyWithoutReader(stream: NodeJS.WriteStream, leave: () => void): void {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    leave();
  });
}
