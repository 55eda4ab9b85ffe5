/** Globs over tools. `*` matches any run of characters, `/` included; there are no extended groups and no negation. */
import picomatch from 'picomatch';
import type { ToolGlobs } from './config.ts';

const options = {
  bash: true,
  dot: true,
  noextglob: true,
  nonegate: true,
  nobracket: true,
  strictBrackets: false,
} as const;

const longestGlob = 256;
/** Globs become regular expressions, and what those may try grows with every star. */
const mostStars = 4;

export const compileGlob = (pattern: string): ((name: string) => boolean) => {
  if (pattern === '' || pattern.length > longestGlob || countStars(pattern) > mostStars) return () => false;
  const isMatch = picomatch(pattern, options);
  return (name) => isMatch(name);
};

const countStars = (pattern: string): number => pattern.split('*').length - 1;

/** `server/tool`; the server's part ends at the first slash. */
const splitId = (id: string): [server: string, tool: string] => {
  const at = id.indexOf('/');
  return at === -1 ? ['', id] : [id.slice(0, at), id.slice(at + 1)];
};

/** @returns what is wrong with the form of a `server/tool` glob. */
export function globFault(pattern: string): string | undefined {
  const [server, tool] = splitId(pattern);
  if (!pattern.includes('/')) return 'names no server';
  if (server === '' || tool === '') return 'lacks one side';
  if (countStars(pattern) > mostStars) return `has more than ${mostStars} stars`;
  if (pattern.length > longestGlob) return `is longer than ${longestGlob} characters`;
  if (/[!()[\]\\]|\s/.test(pattern)) return 'may hold *, ? and {a,b} besides names, nothing else';
  return undefined;
}

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

function compileId(pattern: string): (id: string) => boolean {
  const [server, tool] = splitId(pattern).map(compileGlob);
  return (id) => {
    const [serverName, toolName] = splitId(id);
    return server?.(serverName) === true && tool?.(toolName) === true;
  };
}
