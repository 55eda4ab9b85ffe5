/** What is wrong with a configuration. Problems are collected, never thrown, and shown all at once. */
import { lineText, positionAt, type Place, type Position, type Source } from './source.ts';
import { maskSecrets } from './literal-secrets.ts';

export interface Problem {
  /** Stable and searchable, for example `E_UNKNOWN_KEY`; warnings begin with `W_`. */
  code: string;
  severity: 'error' | 'warning';
  message: string;
  /** The file as people see it. */
  file: string;
  /** From 1; 0 where the problem is about the file itself and has no place in it. */
  line: number;
  /** From 1, in UTF-16 units; 0 without a place. */
  col: number;
  /** `end` is exclusive. */
  range?: { start: Position; end: Position };
  /** The line at `line`, secrets masked: what a code frame shows. Of a very long line, the part around `col`. */
  excerpt?: string;
  /** The column at which `excerpt` begins, where that is not 1. */
  excerptCol?: number;
  /** What to do about it. */
  help?: string;
  /** Other places that belong to it, for example the first declaration of a name. */
  related?: Related[];
}

export interface Related {
  message: string;
  file: string;
  line: number;
  col: number;
  excerpt?: string;
  excerptCol?: number;
}

interface Extra {
  help?: string | undefined;
  related?: { message: string; place: Place }[];
}

/** Nobody reads more, and a hostile file could have a million. */
const mostProblems = 1000;

/** Collects problems while everything else goes on. */
export interface Problems {
  readonly all: Problem[];
  error(code: string, place: Place, message: string, extra?: Extra): void;
  warn(code: string, place: Place, message: string, extra?: Extra): void;
  hasErrors(): boolean;
}

export function collectProblems(): Problems {
  const all: Problem[] = [];
  const add = (severity: Problem['severity'], code: string, place: Place, message: string, extra: Extra = {}) => {
    if (all.length < mostProblems) all.push(createProblem(severity, code, place, message, extra));
  };
  return {
    all,
    error: (...rest) => add('error', ...rest),
    warn: (...rest) => add('warning', ...rest),
    hasErrors: () => all.some((problem) => problem.severity === 'error'),
  };
}

/** A problem of a file as a whole: it is missing, unreadable or too large. */
export function fileProblem(code: string, file: string, message: string, help?: string): Problem {
  return { code, severity: 'error', message, file, line: 0, col: 0, ...(help === undefined ? {} : { help }) };
}

/** By file (in the order in which `files` names them, then by name), then by place; what comes twice is shown once. */
export function sortProblems(problems: readonly Problem[], files: readonly string[]): Problem[] {
  const rank = (problem: Problem) => {
    const at = files.indexOf(problem.file);
    return at === -1 ? files.length : at;
  };
  const unique = new Map(problems.map((problem) => [JSON.stringify(problem), problem]));
  return [...unique.values()].toSorted(
    (a, b) =>
      rank(a) - rank(b) ||
      (a.file < b.file ? -1 : a.file > b.file ? 1 : 0) ||
      a.line - b.line ||
      a.col - b.col ||
      (a.code < b.code ? -1 : a.code > b.code ? 1 : 0),
  );
}

function createProblem(
  severity: Problem['severity'],
  code: string,
  place: Place,
  message: string,
  { help, related }: Extra,
): Problem {
  const { source, span } = place;
  const start = positionAt(source, span[0]);
  const end = positionAt(source, Math.max(span[0], span[1]));
  return {
    code,
    severity,
    message,
    file: source.shown,
    ...start,
    range: { start, end },
    ...excerptAt(source, start),
    ...(help === undefined ? {} : { help }),
    ...(related === undefined ? {} : { related: related.map(({ message, place }) => relatedAt(message, place)) }),
  };
}

function relatedAt(message: string, { source, span }: Place): Related {
  const start = positionAt(source, span[0]);
  return { message, file: source.shown, ...start, ...excerptAt(source, start) };
}

const longestExcerpt = 1000;

function excerptAt(source: Source, { line, col }: Position): Pick<Problem, 'excerpt' | 'excerptCol'> {
  const text = lineText(source, line);
  if (text.length <= longestExcerpt) return { excerpt: maskSecrets(text) };
  const from = Math.max(0, col - 1 - longestExcerpt / 2);
  return { excerpt: maskSecrets(text.slice(from, from + longestExcerpt)), excerptCol: from + 1 };
}
