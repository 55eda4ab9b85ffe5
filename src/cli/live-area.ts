/**
 * The last lines of a terminal, redrawn in place. Nobody else may write to that terminal while lines are shown:
 * `clear` first.
 */
import type { Stream } from './terminal.ts';

export interface LiveArea {
  /** Replaces what is shown. Every line must fit the terminal's width. */
  draw(lines: readonly string[]): void;
  clear(): void;
  readonly columns: number;
}

/** A process has one terminal: the area that shows lines on it now. */
let showing: LiveArea | undefined;

/** Writes a line that stays, above what is redrawn. */
export function writeAbove(stream: Stream, text: string): void {
  showing?.clear();
  stream.write(text);
}

export function liveArea(stream: Stream): LiveArea {
  let shown = 0;
  const back = () => (shown === 0 ? '' : `\x1b[${shown}A\r\x1b[0J`);
  const area: LiveArea = {
    get columns() {
      return Math.max(20, stream.columns ?? 80) - 1;
    },
    draw(lines) {
      const room = Math.max(2, (stream.rows ?? 24) - 2);
      const kept = lines.length <= room ? lines : [...lines.slice(0, 1), '…', ...lines.slice(2 - room)];
      stream.write(`${back()}${kept.map((line) => `${line}\n`).join('')}`);
      shown = kept.length;
      showing = area;
    },
    clear() {
      if (shown > 0) stream.write(back());
      shown = 0;
      showing = undefined;
    },
  };
  return area;
}
