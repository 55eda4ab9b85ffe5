/** A file that configuration was read from, and places in it. Offsets are UTF-16 units, as in JavaScript strings. */
import { relative, sep } from 'node:path';

export interface Source {
  /** Absolute. */
  path: string;
  /** As people see it: relative to where they stand, when that is no detour. */
  shown: string;
  text: string;
  /** Offset of the first unit of every line. */
  lineStarts: number[];
}

/** `[start, end)` offsets. */
export type Span = readonly [start: number, end: number];

export interface Place {
  source: Source;
  span: Span;
}

/** Both count from 1; `col` counts UTF-16 units, as editors do. */
export interface Position {
  line: number;
  col: number;
}

export function createSource(path: string, text: string, cwd: string): Source {
  const lineStarts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) lineStarts.push(at + 1);
  return { path, shown: shownPath(path, cwd), text, lineStarts };
}

export function shownPath(path: string, cwd: string): string {
  const near = relative(cwd, path);
  return near === '' || near.startsWith(`..${sep}..`) ? path : near;
}

export function positionAt(source: Source, offset: number): Position {
  let low = 0;
  let high = source.lineStarts.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((source.lineStarts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return { line: low + 1, col: offset - (source.lineStarts[low] ?? 0) + 1 };
}

/** The text of a line (from 1), without its line break. */
export function lineText(source: Source, line: number): string {
  const start = source.lineStarts[line - 1] ?? 0;
  const next = source.lineStarts[line] ?? source.text.length + 1;
  return source.text.slice(start, next - 1).replace(/\r$/, '');
}
