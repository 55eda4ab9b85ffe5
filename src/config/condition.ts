/**
 * Conditions of rules: CEL (github.com/google/cel-spec) over one tool call.
 *
 * Arguments come from a model, which is not trusted, so what a condition may cost is bounded: its own length and
 * nesting; a walk over a list looks at its elements alone, and at no more than 64 KiB of them; patterns run on RE2 and
 * stand in the condition as text. What has no bound, or reads a clock, is no part of the language here.
 */
import { Environment, type ASTNode, type SourceRange } from '@marcbachmann/cel-js';
import type { ToolUse } from '../agent/policy.ts';
import { messageOf } from '../errors.ts';
import type { Json } from '../json.ts';
import { linearPattern } from '../json-schema.ts';
import { closest } from './closest.ts';

/** `fault`: it could not be evaluated, and why. */
export type Met = boolean | { fault: string };

export interface Condition {
  readonly text: string;
  readonly readsArguments: boolean;
  holds(use: ToolUse): Met;
}

/** `range`: offsets in the text. */
export interface ConditionFault {
  fault: string;
  help?: string;
  range?: SourceRange;
}

const longest = 1000;
/** Characters of the arguments as JSON, where a condition walks over them; and of the text that its patterns read. */
const mostRead = 64 * 1024;

const walks = ['all', 'exists', 'exists_one', 'filter'];
const functions = ['has', 'size', 'int', 'double', 'string', 'type', 'dyn'];
const ofText =
  'startsWith endsWith contains matches size lowerAscii upperAscii trim split indexOf lastIndexOf substring';
const methods = [...walks, ...ofText.split(' ')];

const base = new Environment({
  limits: { maxAstNodes: 500, maxDepth: 24, maxListElements: 100, maxMapEntries: 100, maxCallArguments: 8 },
}).registerVariable('args', 'map');
const texts = ['tool', 'server', 'effect', 'agent', 'owner'];
for (const name of texts) base.registerVariable(name, 'string');

export function compileCondition(written: string): Condition | ConditionFault {
  const text = written.trim();
  if (text.length > longest) return { fault: `is longer than ${longest} characters`, help: 'make several rules of it' };
  const fault = formFault(text);
  if (fault !== undefined) return fault;
  const patterns = new Map<string, (text: string) => boolean>();
  let matched = 0;
  const parsed = base
    .clone()
    .registerFunction(
      `string.${linearMatches}(string): bool`,
      (text: string, pattern: string) => {
        if ((matched += text.length) > mostRead) throw new Error('the text is too long for a pattern');
        const matches = patterns.get(pattern);
        if (matches === undefined) throw new Error('the pattern was never compiled');
        return matches(text);
      },
      { async: false },
    )
    .parse(text);
  const bad = usePatterns(parsed.ast, patterns);
  if (bad !== undefined) return bad;
  parsed.check();
  const hasWalk = nodesOf(parsed.ast).some(isWalk);
  const readsArguments = nodesOf(parsed.ast).some(isArgs);
  return { text, readsArguments, holds };

  function holds(use: ToolUse): Met {
    try {
      if (hasWalk && JSON.stringify(use.args).length > mostRead) return { fault: 'the arguments are too long to walk' };
      matched = 0;
      const value: unknown = parsed(valuesOf(use));
      return typeof value === 'boolean' ? value : { fault: 'it came to neither true nor false' };
    } catch (error) {
      return { fault: summaryOf(error) };
    }
  }
}

/** What is wrong with it, in the words of the language and with the names that its author used. */
function formFault(text: string): ConditionFault | undefined {
  try {
    const parsed = base.parse(text);
    const { ast } = parsed;
    const refused =
      nodesOf(ast)
        .map(nameFault)
        .find((fault) => fault !== undefined) ?? costlyWalk(ast);
    if (refused !== undefined) return refused;
    const { type, error } = parsed.check();
    if (error !== undefined) return noCondition(text, error);
    if (type === 'bool' || type === 'dyn') return undefined;
    return { fault: `must come to true or false, not to ${type}`, help: "compare it: args.path == 'x'" };
  } catch (error) {
    return noCondition(text, error);
  }
}

function noCondition(text: string, error: unknown): ConditionFault {
  const summary = summaryOf(error);
  return { fault: `is no condition: ${summary}`, help: mendFor(text, summary), ...rangeOf(error) };
}

function mendFor(text: string, summary: string): string {
  const names = ['args', ...texts];
  const near = closest(/^Unknown variable: (\w+)$/.exec(summary)?.[1] ?? '', names);
  if (near !== undefined) return `did you mean "${near}"?`;
  if (summary.startsWith('Unexpected character: =')) return 'compare with ==';
  return /\b(and|or|not)\b/i.test(text) ? 'write &&, || and !' : `it is CEL (cel.dev) over ${names.join(', ')}`;
}

function nameFault(node: ASTNode): ConditionFault | undefined {
  if (node.op !== 'call' && node.op !== 'rcall') return undefined;
  const [name] = node.args;
  const known = node.op === 'call' ? functions : methods;
  if (known.includes(name)) return undefined;
  const near = closest(name, known);
  const list = known.map((one) => (node.op === 'call' ? `${one}()` : `.${one}()`)).join(', ');
  return {
    fault: `has no function ${JSON.stringify(name)}`,
    help: near === undefined ? `there are ${list}` : `did you mean "${near}"?`,
    range: node.range,
  };
}

const isWalk = (node: ASTNode): boolean => node.op === 'rcall' && walks.includes(node.args[0]);

/** What stands inside of a walk is done for every element, so it may look at the element alone. */
function costlyWalk(ast: ASTNode): ConditionFault | undefined {
  const inside = nodesOf(ast)
    .filter(isWalk)
    .flatMap((walk) => (walk.op === 'rcall' ? walk.args[2].flatMap(nodesOf) : []));
  const walk = inside.find(isWalk);
  if (walk !== undefined)
    return { fault: 'walks over a list inside of a walk', help: 'make two rules of it', range: walk.range };
  const args = inside.find(isArgs);
  if (args === undefined) return undefined;
  const help = "look at the element: args.to.all(one, one.endsWith('@example.com'))";
  return { fault: 'reads args inside of a walk', help, range: args.range };
}

const isArgs = (node: ASTNode): boolean => node.op === 'id' && node.args === 'args';

/** What `matches` is called where RE2 does it. The library's own is JavaScript's, which backtracks. */
const linearMatches = 'matchesInLinearTime';

function usePatterns(ast: ASTNode, patterns: Map<string, (text: string) => boolean>): ConditionFault | undefined {
  for (const node of nodesOf(ast)) {
    if (node.op !== 'rcall' || node.args[0] !== 'matches') continue;
    const [pattern] = node.args[2];
    if (pattern?.op !== 'value' || typeof pattern.args !== 'string')
      return {
        fault: 'must have the pattern of matches() as text',
        help: "write args.path.matches('^drafts/')",
        range: (pattern ?? node).range,
      };
    const compiled = linearPattern(pattern.args);
    if (typeof compiled !== 'function')
      return {
        fault: `has a pattern that RE2 cannot hold: ${compiled.fault}`,
        help: 'it knows no look-around and no back-references (github.com/google/re2/wiki/Syntax)',
        range: pattern.range,
      };
    patterns.set(pattern.args, compiled);
    node.args[0] = linearMatches;
  }
  return undefined;
}

/** The node and all below it. */
function nodesOf(node: ASTNode): ASTNode[] {
  const below = (part: unknown): ASTNode[] =>
    Array.isArray(part) ? part.flatMap(below) : isNode(part) ? nodesOf(part) : [];
  return [node, ...below(node.args)];
}

const isNode = (part: unknown): part is ASTNode => typeof part === 'object' && part !== null && 'op' in part;

/** A tool's own name, and its server's: none where it is an agent, or our own. */
function valuesOf({ tool, args, effect, agent, owner }: ToolUse): Record<string, unknown> {
  const slash = tool.indexOf('/');
  return {
    args: celValue(args),
    tool: tool.slice(slash + 1),
    server: slash === -1 ? '' : tool.slice(0, slash),
    effect,
    agent,
    owner,
  };
}

/** Maps hold every key, also those that mean something to JavaScript's objects. Numbers are CEL's doubles. */
function celValue(value: Json): unknown {
  if (Array.isArray(value)) return value.map(celValue);
  if (typeof value !== 'object' || value === null) return value;
  return new Map(Object.entries(value).map(([key, item]) => [key, celValue(item)]));
}

/** Without the code frame that the library draws. */
const summaryOf = (error: unknown): string =>
  error instanceof Error && 'summary' in error && typeof error.summary === 'string' ? error.summary : messageOf(error);

function rangeOf(error: unknown): { range?: SourceRange } {
  const range = error instanceof Error && 'range' in error ? error.range : undefined;
  return typeof range === 'object' && range !== null ? { range: range as SourceRange } : {};
}
