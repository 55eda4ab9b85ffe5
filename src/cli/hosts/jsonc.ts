/**
 * Sets one member of a JSON file that a person keeps: everything else, comments and trailing commas and layout
 * included, stays byte for byte.
 */
import { UsageError } from '../../errors.ts';
import { isJsonObject, type Json } from '../../json.ts';

interface Node {
  start: number;
  end: number;
  value: Json;
  /** Only of an object. */
  members?: Member[];
}
interface Member {
  key: string;
  start: number;
  node: Node;
}

/** Sets the members of `entry` in the object at `path`; what else that object has stays. */
export function mergeMember(
  text: string,
  path: readonly [string, ...string[]],
  entry: { [key: string]: Json },
): string {
  const isThere = isJsonObject(
    path.reduce<Json | undefined>((at, key) => (isJsonObject(at) ? at[key] : undefined), parseJsonc(text)),
  );
  if (!isThere) return setMember(text, path, entry);
  return Object.entries(entry).reduce((text, [key, value]) => setMember(text, [...path, key], value), text);
}

/** @throws UsageError `text` is no JSON object (comments allowed), or something on the way to the member is none. */
export function setMember(text: string, path: readonly [string, ...string[]], value: Json): string {
  const source = text.trim() === '' ? '{}\n' : text;
  const root = parse(source);
  const unit = /\n([ \t]+)\S/.exec(source)?.[1] ?? '  ';
  let node = root;
  for (const [depth, key] of path.entries()) {
    if (!node.members) throw new UsageError(`"${path.slice(0, depth).join('.') || 'the file'}" is no object`);
    const rest = path.slice(depth + 1);
    const member = node.members.findLast((member) => member.key === key);
    if (member && rest.length > 0) {
      node = member.node;
      continue;
    }
    const wanted = rest.reduceRight<Json>((inner, key) => ({ [key]: inner }), value);
    if (member && JSON.stringify(member.node.value) === JSON.stringify(wanted)) return text;
    const written = JSON.stringify(wanted, undefined, unit).replaceAll('\n', `\n${unit.repeat(depth + 1)}`);
    if (member) return source.slice(0, member.node.start) + written + source.slice(member.node.end);
    return withMember(source, node, `${JSON.stringify(key)}: ${written}`, unit, depth);
  }
  return text;
}

/** @returns the value of the whole file. @throws UsageError where it is no JSON object. */
export function parseJsonc(text: string): { [key: string]: Json } {
  const { value } = parse(text.trim() === '' ? '{}' : text);
  return isJsonObject(value) ? value : {};
}

function withMember(source: string, object: Node, member: string, unit: string, depth: number): string {
  const last = object.members?.at(-1);
  const indent = `\n${unit.repeat(depth + 1)}`;
  if (!last) {
    const inside = source.slice(object.start + 1, object.end - 1).trimEnd();
    return `${source.slice(0, object.start + 1)}${inside}${indent}${member}\n${unit.repeat(depth)}${source.slice(object.end - 1)}`;
  }
  const after = last.node.end;
  const comma = skipSpace(source, after);
  const hasComma = source[comma] === ',';
  // What stands behind the last member, such as its comment, stays behind it.
  const tail = source.slice(after, object.end - 1);
  const behind = tail.trimEnd();
  const kept = hasComma ? behind : `,${behind}`;
  return `${source.slice(0, after)}${kept}${indent}${member}${hasComma ? ',' : ''}\n${unit.repeat(depth)}${source.slice(object.end - 1)}`;
}

function parse(source: string): Node {
  const start = skipSpace(source, source.startsWith('\ufeff') ? 1 : 0);
  const root = parseValue(source, start, 0);
  const end = skipSpace(source, root.end);
  if (end < source.length) throw fault(source, end, 'something after the end');
  if (!root.members) throw fault(source, start, 'no object');
  return root;
}

function parseValue(source: string, start: number, depth: number): Node {
  if (depth > 200) throw fault(source, start, 'nesting too deep');
  const first = source[start];
  if (first === '{') return parseObject(source, start, depth);
  if (first === '[') return parseArray(source, start, depth);
  const scalar = /"(?:[^"\\\n]|\\.)*"|[-+.\w]+/y;
  scalar.lastIndex = start;
  const literal = scalar.exec(source)?.[0];
  if (literal === undefined) throw fault(source, start, 'no value');
  try {
    return { start, end: start + literal.length, value: JSON.parse(literal) };
  } catch {
    throw fault(source, start, `"${literal.slice(0, 40)}" is no JSON value`);
  }
}

function parseObject(source: string, start: number, depth: number): Node {
  const members: Member[] = [];
  let at = skipSpace(source, start + 1);
  while (source[at] !== '}') {
    const key = parseValue(source, at, depth + 1);
    if (typeof key.value !== 'string') throw fault(source, at, 'a key must be a string');
    const colon = skipSpace(source, key.end);
    if (source[colon] !== ':') throw fault(source, colon, '":" is missing');
    const node = parseValue(source, skipSpace(source, colon + 1), depth + 1);
    members.push({ key: key.value, start: at, node });
    at = separator(source, node.end, '}');
  }
  const value = Object.fromEntries(members.map((member) => [member.key, member.node.value]));
  return { start, end: at + 1, value, members };
}

function parseArray(source: string, start: number, depth: number): Node {
  const items: Json[] = [];
  let at = skipSpace(source, start + 1);
  while (source[at] !== ']') {
    const node = parseValue(source, at, depth + 1);
    items.push(node.value);
    at = separator(source, node.end, ']');
  }
  return { start, end: at + 1, value: items };
}

function separator(source: string, end: number, close: string): number {
  const at = skipSpace(source, end);
  if (source[at] === ',') return skipSpace(source, at + 1);
  if (source[at] !== close) throw fault(source, at, `"," or "${close}" is missing`);
  return at;
}

/** Where the next token begins: space and comments are skipped. */
function skipSpace(source: string, start: number): number {
  const space = /(?:\s|\/\/[^\n]*|\/\*[^]*?\*\/)*/y;
  space.lastIndex = start;
  return start + (space.exec(source)?.[0].length ?? 0);
}

function fault(source: string, at: number, what: string): UsageError {
  const before = source.slice(0, at).split('\n');
  return new UsageError(`line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}: ${what}`);
}
