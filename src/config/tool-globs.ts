/** Globs over tools: `server/tool`, each side a glob; there are no extended groups and no negation. */
import type { ToolGlobs } from './config.ts';
import { compileGlob as compile } from './glob.ts';

const longestGlob = 256;
const mostStars = 4;

/** What has more than a glob may have matches nothing: `globFault` says what. */
export const compileGlob = (pattern: string): ((name: string) => boolean) =>
  (globBounds(pattern) === undefined ? compile(pattern) : undefined) ?? (() => false);

function globBounds(pattern: string): string | undefined {
  if (countStars(pattern) > mostStars) return `has more than ${mostStars} stars`;
  if (pattern.length > longestGlob) return `is longer than ${longestGlob} characters`;
  return compile(pattern) === undefined ? 'has too many choices' : undefined;
}

const countStars = (pattern: string): number => pattern.split('*').length - 1;

/** `server/tool`; the server's part ends at the first slash. */
const splitId = (id: string): [server: string, tool: string] => {
  const at = id.indexOf('/');
  return at === -1 ? ['', id] : [id.slice(0, at), id.slice(at + 1)];
};

/** The tool of Deputy's own by which an agent puts questions to people. */
export const askPerson = 'ask_person';

/** @returns what is wrong with the form of a `server/tool` glob. */
export function globFault(pattern: string): string | undefined {
  return pattern.includes('/') ? idFault(pattern) : 'names no server';
}

/** The same where agents and our own tools, which belong to no server, may be named as well. */
export const ruleGlobFault = (pattern: string): string | undefined =>
  pattern.includes('/') ? idFault(pattern) : idFault(`x/${pattern}`);

function idFault(pattern: string): string | undefined {
  const [server, tool] = splitId(pattern);
  if (server === '' || tool === '') return 'lacks one side';
  if (/[!()[\]\\]|\s/.test(pattern) || hasOddBraces(pattern))
    return 'may hold *, ? and {a,b} besides names, nothing else';
  return globBounds(pattern);
}

/** Braces inside of braces, without an end or a choice, or around a range. */
const hasOddBraces = (pattern: string): boolean =>
  /[{}]/.test(pattern.replaceAll(choice, '')) || /\{[^}]*\.\.[^}]*\}/.test(pattern);
/** `{a,b}`, within one side of the id. */
const choice = /\{[^{}/]*,[^{}/]*\}/g;

export const serverMatcher = (pattern: string): ((server: string) => boolean) => compileGlob(splitId(pattern)[0]);

/** @param without what `patterns` reach and is left out all the same */
export function compileToolGlobs(patterns: string[], without: string[], servers: string[]): ToolGlobs {
  const matchers = patterns.map(compileId);
  const exceptions = without.map(compileId);
  return {
    patterns,
    matches: (id) => matchers.some((matches) => matches(id)) && !exceptions.some((matches) => matches(id)),
    servers: servers.filter((server) => patterns.some((pattern) => serverMatcher(pattern)(server))),
  };
}

/** For rules: `*` is everything; what names no server is the name of an agent or of a tool of our own. */
export function compileRuleGlob(pattern: string): (id: string) => boolean {
  if (/^\*+$/.test(pattern)) return () => true;
  if (pattern.includes('/')) return compileId(pattern);
  const matches = compileGlob(pattern);
  return (id) => !id.includes('/') && matches(id);
}

function compileId(pattern: string): (id: string) => boolean {
  const [server, tool] = splitId(pattern).map(compileGlob);
  return (id) => {
    if (!id.includes('/')) return false;
    const [serverName, toolName] = splitId(id);
    return server?.(serverName) === true && tool?.(toolName) === true;
  };
}
