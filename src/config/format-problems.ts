/** Problems as people read them: place, code, what is wrong, the line with a caret under the exact text, the mend. */
import { styleText } from 'node:util';
import type { Problem, Related } from './problem.ts';

export interface FormatOptions {
  color: boolean;
  /** Columns that a line may take. Default 120. */
  width?: number;
}

export function formatProblems(problems: readonly Problem[], { color, width = 120 }: FormatOptions): string {
  const paint: Paint = (style, text) => (color ? styleText(style, text, { validateStream: false }) : text);
  return problems.map((problem) => `${formatProblem(problem, paint, width)}\n`).join('\n');
}

type Paint = (style: Parameters<typeof styleText>[0], text: string) => string;

function formatProblem(problem: Problem, paint: Paint, width: number): string {
  const { severity, code, message, help, related = [] } = problem;
  const strong = severity === 'error' ? 'red' : 'yellow';
  const lines = [
    `${paint('bold', placeText(problem))} ${paint(strong, severity)} ${paint('dim', code)} ${visible(message)}`,
  ];
  const length = endColumn(problem) - problem.col;
  lines.push(...frame(problem, length, (text) => paint(strong, text), paint, width));
  if (help !== undefined) lines.push(`${paint('cyan', 'help:')} ${visible(help)}`);
  for (const other of related) {
    lines.push(
      `${paint('bold', placeText(other))} ${visible(other.message)}`,
      ...frame(other, 1, (text) => text, paint, width),
    );
  }
  return lines.join('\n');
}

const placeText = ({ file, line, col }: Related): string =>
  line === 0 ? visible(file) : `${visible(file)}:${line}:${col}`;

/** Where the marked text ends on its first line. */
function endColumn({ range, line, col, excerpt = '', excerptCol = 1 }: Problem): number {
  if (range === undefined) return col + 1;
  return range.end.line === line ? range.end.col : excerptCol + excerpt.length;
}

function frame(
  { line, col, excerpt, excerptCol = 1 }: Related,
  length: number,
  mark: (text: string) => string,
  paint: Paint,
  width: number,
): string[] {
  if (excerpt === undefined) return [];
  const gutter = String(line);
  const { before, marked, after } = cut(excerpt, col - excerptCol, length, Math.max(40, width - gutter.length - 3));
  const carets = '^'.repeat(
    Math.max(
      1,
      graphemes(marked).reduce((sum, one) => sum + cells(one), 0),
    ),
  );
  // Tabs stay tabs, so that the caret stands under its text however wide the terminal shows them.
  const indent = graphemes(before)
    .map((one) => (one === '\t' ? '\t' : ' '.repeat(cells(one))))
    .join('');
  const blank = ' '.repeat(gutter.length);
  return [
    `${paint('dim', `${gutter} |`)} ${visible(before + marked + after)}`,
    `${paint('dim', `${blank} |`)} ${visible(indent)}${mark(carets)}`,
  ];
}

/** The part of a long line around the mark. */
function cut(
  text: string,
  start: number,
  length: number,
  room: number,
): { before: string; marked: string; after: string } {
  const end = Math.min(text.length, start + Math.max(0, length));
  const parts = { before: text.slice(0, start), marked: text.slice(start, end), after: text.slice(end) };
  if (text.length <= room) return parts;
  const marked = shorten(parts.marked, room - 12);
  const left = Math.min(parts.before.length, Math.floor((room - marked.length) / 2));
  const before = left < parts.before.length ? `…${safeSlice(parts.before, -(left - 1))}` : parts.before;
  return { before, marked, after: shorten(parts.after, room - before.length - marked.length) };
}

const shorten = (text: string, room: number): string =>
  text.length <= room ? text : `${safeSlice(text, 0, Math.max(0, room - 1))}…`;

/** `slice` that never leaves half of a character. */
function safeSlice(text: string, start: number, end?: number): string {
  return text.slice(start, end).replace(/^[\uDC00-\uDFFF]|[\uD800-\uDBFF]$/, '');
}

/** What moves the cursor, changes colours or hides (tabs aside) is shown as something that is there. */
const visible = (text: string): string => text.replaceAll(/(?!\t)[\p{Cc}\p{Bidi_Control}\u200B\uFEFF]/gu, '\uFFFD');

/** Made when first needed: it takes longer than all else here. */
let segmenter: Intl.Segmenter | undefined;

function graphemes(text: string): string[] {
  if (/^[\t\x20-\x7e]*$/.test(text)) return text.split('');
  segmenter ??= new Intl.Segmenter();
  return Array.from(segmenter.segment(text), ({ segment }) => segment);
}

/** Terminal cells of a grapheme: two for East Asian wide characters and emoji. */
function cells(grapheme: string): number {
  if (grapheme === '\t') return 1;
  return wide.test(grapheme) ? 2 : 1;
}
const wide =
  /^(?:\p{Emoji_Presentation}|\p{Emoji}\uFE0F|[\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF01-\uFF60\uFFE0-\uFFE6\u{20000}-\u{3FFFD}])/u;
