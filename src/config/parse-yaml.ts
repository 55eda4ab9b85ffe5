/**
 * YAML text to plain values, with the place of every key and value beside them.
 *
 * Bounds hold before anything grows: nesting and entries are counted while the text is cut into tokens, what aliases
 * expand to is counted while values are built. Keys become own properties only, and `__proto__` is refused.
 */
import { Composer, isAlias, isMap, isPair, isScalar, isSeq, Lexer, Parser } from 'yaml';
import type { Alias, Document, Pair, ParsedNode, YAMLMap } from 'yaml';
import type { Json, JsonObject } from '../json.ts';
import type { Problems } from './problem.ts';
import { placeOf, type Spot } from './spot.ts';
import type { Source, Span } from './source.ts';

const maxDepth = 64;
const maxEntries = 20_000;
const maxAliases = 100;

export interface Parsed {
  value: Json;
  spot: Spot;
}

/** @returns undefined after a fault of syntax or a bound, which has then been reported. `area`: where in the file YAML stands. */
export function parseYaml(source: Source, problems: Problems, area?: Span): Parsed | undefined {
  const [start, end] = area ?? [0, source.text.length];
  const text = source.text.slice(start, end);
  const fail = (code: string, [from, to]: Span, message: string, help?: string) => {
    problems.error(code, { source, span: [start + from, start + to] }, message, { help });
  };

  const lexemes = lexWithinBounds(text, fail);
  if (lexemes === undefined) return undefined;
  const [document, second] = compose(lexemes, text.length);
  const faults = [...(document?.errors ?? []), ...(document?.warnings ?? [])];
  const exhausted = faults.find(({ code }) => code === 'RESOURCE_EXHAUSTION');
  if (exhausted !== undefined) fail('E_BOUND', exhausted.pos, `nested more than ${maxDepth} deep`);
  else for (const { pos, code, message } of faults) fail('E_YAML', pos, firstLine(message), syntaxHelp[code]);
  if (second !== undefined)
    fail(
      'E_YAML',
      [second.range[0], second.range[0] + 1],
      'a second document begins here',
      syntaxHelp['MULTIPLE_DOCS'],
    );
  if (document === undefined || second !== undefined || faults.length > 0) return undefined;
  return buildValue(document, source, start, end, problems);
}

const syntaxHelp: Readonly<Record<string, string>> = {
  BLOCK_AS_IMPLICIT_KEY: 'put text that contains ": " in quotes, or start the nested map on a line of its own',
  TAB_AS_INDENT: 'indent with spaces',
  BAD_SCALAR_START: 'put the text in quotes',
  UNEXPECTED_TOKEN: "put text that begins or ends with one of YAML's own signs in quotes",
  BAD_INDENT: 'the lines of a map or list start at the same column',
  MULTIPLE_DOCS: 'one file holds one document: remove the "---"',
  TAG_RESOLVE_FAILED: 'tags (!...) are not used here: remove it',
};

/** Cut into tokens, which takes no more than a pass; depth of brackets and number of entries are known before anything is built. */
function lexWithinBounds(
  text: string,
  fail: (code: string, span: Span, message: string) => void,
): string[] | undefined {
  const lexemes: string[] = [];
  let offset = 0;
  let depth = 0;
  let entries = 0;
  for (const lexeme of new Lexer().lex(text)) {
    if (lexeme === '[' || lexeme === '{') depth++;
    else if (lexeme === ']' || lexeme === '}') depth--;
    if (lexeme === ':' || lexeme === '-' || lexeme === ',' || lexeme === '?') entries++;
    const fault =
      depth > maxDepth
        ? `nested more than ${maxDepth} deep`
        : entries > maxEntries
          ? `more than ${maxEntries} keys and list items in one file`
          : undefined;
    if (fault !== undefined) {
      fail('E_BOUND', [offset, offset + 1], fault);
      return undefined;
    }
    lexemes.push(lexeme);
    if (!invisible.has(lexeme)) offset += lexeme.length;
  }
  return lexemes;
}

function compose(lexemes: readonly string[], length: number): Document.Parsed[] {
  const parser = new Parser();
  const tokens = lexemes.flatMap((lexeme) => [...parser.next(lexeme)]);
  tokens.push(...parser.end());
  // Duplicate keys are found while building: the composer's own check compares every key with every other.
  const options = {
    merge: true,
    uniqueKeys: false,
    prettyErrors: false,
    resolveKnownTags: false,
    logLevel: 'silent',
  } as const;
  return [...new Composer(options).compose(tokens, true, length)];
}

/** Lexemes that stand for a state, not for text: start of a document, of a flow scalar, of flow's end. */
const invisible = new Set(['\u0002', '\u0018', '\u001f']);

interface Builder {
  source: Source;
  start: number;
  problems: Problems;
  anchors: Map<string, ParsedNode>;
  /** An alias means the anchor that stood before it when it was first met. */
  targets: Map<Alias, ParsedNode>;
  open: Set<ParsedNode>;
  entries: number;
  /** Set once a bound is broken: the rest is not built. */
  isSpent: boolean;
}

function buildValue(
  document: Document.Parsed,
  source: Source,
  start: number,
  end: number,
  problems: Problems,
): Parsed | undefined {
  const builder: Builder = {
    source,
    start,
    problems,
    anchors: new Map(),
    targets: new Map(),
    open: new Set(),
    entries: 0,
    isSpent: false,
  };
  if (document.contents === null) return { value: null, spot: { source, value: [start, end], children: new Map() } };
  const parsed = build(document.contents, builder, 0);
  return builder.isSpent ? undefined : parsed;
}

function build(node: ParsedNode, builder: Builder, depth: number): Parsed {
  const { source } = builder;
  const spot: Spot = { source, value: spanOf(node, builder), children: new Map() };
  if (builder.isSpent) return { value: null, spot };
  if (++builder.entries > maxEntries) return spend(`aliases make this file larger than ${maxEntries} entries`);
  if (depth > maxDepth) return spend(`nested more than ${maxDepth} deep`);
  if (!isAlias(node) && node.anchor !== undefined) builder.anchors.set(node.anchor, node);
  if (isAlias(node)) {
    const target = resolveAlias(node, builder);
    if (target === undefined) return spend(`"*${node.source}" stands for nothing that comes before it`, 'E_YAML');
    if (builder.targets.size > maxAliases) return spend(`more than ${maxAliases} aliases`);
    if (builder.open.has(target)) return spend(`"*${node.source}" contains itself`);
    const { value, spot: at } = build(target, builder, depth + 1);
    // The place is where the alias stands; what is wrong deeper inside is wrong at the anchor.
    return { value, spot: { ...at, value: spot.value } };
  }
  builder.open.add(node);
  const value = buildNode(node, spot, builder, depth);
  builder.open.delete(node);
  return { value, spot };

  function spend(what: string, code = 'E_BOUND'): Parsed {
    builder.isSpent = true;
    builder.problems.error(code, placeOf(spot), what);
    return { value: null, spot };
  }
}

function buildNode(node: Exclude<ParsedNode, Alias.Parsed>, spot: Spot, builder: Builder, depth: number): Json {
  if (isMap(node)) return buildMap(node, spot, builder, depth);
  if (isSeq(node)) {
    return node.items.map((item, index) => {
      const { value, spot: child } = isPair(item)
        ? { value: null, spot: { source: builder.source, value: spot.value, children: new Map() } }
        : build(item, builder, depth + 1);
      spot.children.set(index, child);
      return value;
    });
  }
  const value: unknown = isScalar(node) ? node.value : null;
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  builder.problems.error('E_TYPE', placeOf(spot), 'this is no plain value: write text, a number, true, false or null');
  return null;
}

function buildMap(map: YAMLMap.Parsed, spot: Spot, builder: Builder, depth: number): JsonObject {
  const value: JsonObject = {};
  const merged: ParsedNode[] = [];
  for (const pair of map.items) {
    const key = keyOf(pair, builder);
    if (key === undefined) continue;
    if (key.text === '<<' && key.isPlain) {
      if (pair.value !== null) merged.push(pair.value);
      continue;
    }
    const before = spot.children.get(key.text);
    if (before !== undefined) {
      builder.problems.error(
        'E_DUPLICATE',
        { source: builder.source, span: key.span },
        `the key ${JSON.stringify(key.text)} stands here twice`,
        {
          related: [{ message: 'first here', place: placeOf(before, 'key') }],
        },
      );
      continue;
    }
    const child: Parsed =
      pair.value === null
        ? { value: null, spot: { source: builder.source, value: key.span, children: new Map() } }
        : build(pair.value, builder, depth + 1);
    value[key.text] = child.value;
    spot.children.set(key.text, { ...child.spot, key: key.span });
  }
  for (const source of merged) mergeInto(value, spot, source, builder, depth);
  return value;
}

/** Merge keys (`<<`): a map or a list of maps; what is already there stays. */
function mergeInto(value: JsonObject, spot: Spot, node: ParsedNode, builder: Builder, depth: number): void {
  const { value: from, spot: at } = build(node, builder, depth + 1);
  const maps = Array.isArray(from)
    ? from.map((item, index) => [item, at.children.get(index)] as const)
    : [[from, at] as const];
  for (const [map, mapSpot] of maps) {
    if (typeof map !== 'object' || map === null || Array.isArray(map) || mapSpot === undefined) {
      if (!builder.isSpent) builder.problems.error('E_YAML', placeOf(at), 'only maps can be merged with "<<"');
      return;
    }
    for (const [key, item] of Object.entries(map)) {
      const child = mapSpot.children.get(key);
      if (Object.hasOwn(value, key) || child === undefined) continue;
      value[key] = item;
      spot.children.set(key, child);
    }
  }
}

function keyOf(
  pair: Pair<ParsedNode, ParsedNode | null>,
  builder: Builder,
): { text: string; span: Span; isPlain: boolean } | undefined {
  const node = isAlias(pair.key) ? resolveAlias(pair.key, builder) : pair.key;
  const span = spanOf(pair.key, builder);
  const place = { source: builder.source, span };
  if (node === undefined || !isScalar(node)) {
    builder.problems.error('E_YAML', place, 'a key must be text');
    return undefined;
  }
  if (node.anchor !== undefined) builder.anchors.set(node.anchor, node);
  const isPlain = node.type === 'PLAIN';
  const text = typeof node.value === 'string' ? node.value : isPlain ? (node.source ?? '') : String(node.value);
  if (text === '__proto__') {
    builder.problems.error('E_NAME', place, '"__proto__" cannot be a key');
    return undefined;
  }
  return { text, span, isPlain };
}

function resolveAlias(alias: Alias, builder: Builder): ParsedNode | undefined {
  const target = builder.targets.get(alias) ?? builder.anchors.get(alias.source);
  if (target !== undefined) builder.targets.set(alias, target);
  return target;
}

const spanOf = (node: ParsedNode, { start }: Builder): Span => [start + node.range[0], start + node.range[1]];
function firstLine(message: string): string {
  const line = message.split('\n', 1)[0] ?? message;
  return line.slice(0, 1).toLowerCase() + line.slice(1);
}
