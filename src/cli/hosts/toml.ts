/** Sets one table of a TOML file that a person keeps: every other line, comments included, stays as it is. */
import { UsageError } from '../../errors.ts';

export type TomlValue = string | number | boolean | readonly string[];

/**
 * @param path The table's dotted name, such as `['mcp_servers', 'deputy']`.
 * @throws UsageError the file has the table in another form than `[a.b]`, or a string in it never ends.
 */
export function setTable(text: string, path: readonly string[], table: Record<string, TomlValue>): string {
  const lines = text === '' ? [] : text.replace(/\n$/, '').split('\n');
  const headers = headersOf(lines);
  refuseOtherForms(lines, headers, path);

  const index = headers.findIndex((header) => header.path !== undefined && same(header.path, path));
  const here = headers[index];
  if (!here) {
    const gap = lines.length > 0 && lines.at(-1)?.trim() !== '' ? [''] : [];
    const body = Object.entries(table).map(([key, value]) => assignment(key, value));
    return `${[...lines, ...gap, `[${path.map(quotedKey).join('.')}]`, ...body].join('\n')}\n`;
  }
  const next = headers[index + 1]?.line ?? lines.length;
  const merged = withKeys(lines.slice(here.line + 1, next), table);
  const all = [...lines.slice(0, here.line + 1), ...merged, ...lines.slice(next)];
  return all.join('\n') === lines.join('\n') ? text : `${all.join('\n')}\n`;
}

/** The lines of a table with the given keys set; its other keys and its comments stay. */
function withKeys(lines: readonly string[], table: Record<string, TomlValue>): string[] {
  const missing = new Map(Object.entries(table));
  const merged: string[] = [];
  let end = 0;
  for (let line = 0; line < lines.length;) {
    const first = line;
    let open = { open: '', depth: 0 };
    do open = after(lines[line++] ?? '', open.open, open.depth);
    while ((open.open !== '' || open.depth > 0) && line < lines.length);
    const [key, ...deeper] = keyPath(keyOf.exec(lines[first] ?? '')?.[1] ?? '');
    const value = key === undefined || deeper.length > 0 ? undefined : missing.get(key);
    if (key !== undefined) missing.delete(key);
    merged.push(...(key === undefined || value === undefined ? lines.slice(first, line) : [assignment(key, value)]));
    if (key !== undefined) end = merged.length;
  }
  return merged.toSpliced(end, 0, ...[...missing].map(([key, value]) => assignment(key, value)));
}

interface Header {
  line: number;
  /** Undefined for an array of tables. */
  path?: string[];
}

/** Table headers outside of strings and arrays that span lines. */
function headersOf(lines: readonly string[]): Header[] {
  const headers: Header[] = [];
  let open = '';
  let depth = 0;
  for (const [line, content] of lines.entries()) {
    const header = open === '' && depth === 0 ? /^\s*\[(\[?)([^\]]*)\]/.exec(content) : null;
    if (header) {
      headers.push(header[1] === '' ? { line, path: keyPath(header[2] ?? '') } : { line });
      continue;
    }
    ({ open, depth } = after(content, open, depth));
  }
  if (open !== '') throw new UsageError(`a string that begins with ${open} never ends`);
  if (depth !== 0) throw new UsageError('an array or a table never ends');
  return headers;
}

/** What is still open at the end of a line: a multi-line string (its quotes) and brackets. */
function after(line: string, open: string, depth: number): { open: string; depth: number } {
  let rest = line;
  for (;;) {
    if (open !== '') {
      const end = open === '"""' ? /^(?:[^\\]|\\.|\\$)*?"""/.exec(rest) : /^[^]*?'''/.exec(rest);
      if (!end) return { open, depth };
      rest = rest.slice(end[0].length);
      open = '';
    }
    const token = /"""|'''|"(?:[^"\\]|\\.)*"|'[^']*'|[[\]{}]|#.*/.exec(rest);
    if (!token) return { open, depth };
    rest = rest.slice(token.index + token[0].length);
    if (token[0] === '"""' || token[0] === "'''") open = token[0];
    else if (token[0] === '[' || token[0] === '{') depth += 1;
    else if (token[0] === ']' || token[0] === '}') depth -= 1;
  }
}

function refuseOtherForms(lines: readonly string[], headers: readonly Header[], path: readonly string[]): void {
  for (const [line, content] of lines.entries()) {
    const key = keyOf.exec(content)?.[1];
    if (key === undefined) continue;
    const table = headers.findLast((header) => header.line < line)?.path ?? [];
    const full = [...table, ...keyPath(key)];
    const covers = full.length <= path.length && same(full, path.slice(0, full.length));
    const dotted = full.length > path.length && same(full.slice(0, path.length), path) && table.length < path.length;
    if (covers || dotted)
      throw new UsageError(`line ${line + 1}: "${path.join('.')}" is written as "${key} = ...", not as a table`);
  }
}

const keyOf = /^\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=/;

const assignment = (key: string, value: TomlValue): string => `${quotedKey(key)} = ${quotedValue(value)}`;

const keyPath = (text: string): string[] =>
  [...text.matchAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'|([\w-]+)/g)].map(
    ([, basic, literal, bare]) => basic ?? literal ?? bare ?? '',
  );

const same = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((part, index) => part === b[index]);

const quotedKey = (key: string): string => (/^[\w-]+$/.test(key) ? key : JSON.stringify(key));

/** A JSON string is a TOML basic string, but for DEL, which TOML wants escaped. */
const quotedValue = (value: TomlValue): string =>
  (Array.isArray(value)
    ? `[${value.map((item) => JSON.stringify(item)).join(', ')}]`
    : JSON.stringify(value)
  ).replaceAll('\x7f', '\\u007F');
