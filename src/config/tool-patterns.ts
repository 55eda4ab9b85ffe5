/** Globs over tools as people write them, and what to say where they lead to nothing. */
import { closest, suggestion } from './closest.ts';
import type { Declarations } from './declarations.ts';
import type { Problems } from './problem.ts';
import type { Place } from './source.ts';
import { askPerson, compileGlob, globFault, ruleGlobFault, serverMatcher } from './tool-globs.ts';

export interface WrittenPattern {
  pattern: string;
  place: Place;
  /** The key that holds it: `agents.triage.tools`. */
  where: string;
  /** Whether it may name agents and our own tools, besides `server/tool`. */
  isRule: boolean;
}

/** Reports a pattern that has no meaning, or that nothing declared can match. */
export function checkPattern(written: WrittenPattern, declarations: Declarations, problems: Problems): void {
  const { pattern, place, where, isRule } = written;
  const name = `${JSON.stringify(pattern)} in ${where}`;
  const fault = isRule ? ruleGlobFault(pattern) : globFault(pattern);
  if (fault !== undefined)
    problems.error('E_VALUE', place, `${name} ${fault}`, { help: mendFor(written, declarations) });
  else if (pattern.includes('/')) checkServer(name, pattern, place, declarations, problems);
  else checkOwnName(name, written, declarations, problems);
}

function checkServer(
  name: string,
  pattern: string,
  place: Place,
  { servers, broken }: Declarations,
  problems: Problems,
): void {
  const names = [...servers.keys()];
  const server = pattern.slice(0, pattern.indexOf('/'));
  // A rule for whatever server there may be.
  if (server === '*' && names.length === 0) return;
  if (names.some(serverMatcher(pattern)) || broken.has(`mcpServers.${server}`)) return;
  const near = closest(server, names);
  problems.error('E_REFERENCE', place, `${name} matches no declared server`, {
    help:
      near === undefined
        ? (suggestion(server, names, 'declared servers') ?? 'declare the server under `mcpServers:`')
        : `did you mean "${near}${pattern.slice(server.length)}"?`,
  });
}

/** What names no server is an agent, a tool of our own, or `*`. */
function checkOwnName(name: string, written: WrittenPattern, declarations: Declarations, problems: Problems): void {
  const { pattern, place } = written;
  const own = [...declarations.agents.keys(), askPerson];
  if (own.some(compileGlob(pattern)) || declarations.broken.has(`agents.${pattern}`)) return;
  const near = closest(pattern, own);
  problems.error('E_REFERENCE', place, `${name} is no declared agent, and names no server`, {
    help: near === undefined ? mendFor(written, declarations) : `did you mean "${near}"?`,
  });
}

function mendFor({ pattern, isRule }: WrittenPattern, { servers, agents }: Declarations): string {
  const mcp = /^mcp__(.+?)(?:__(.+))?$/.exec(pattern);
  if (mcp !== null) return `write ${mcp[1]}/${mcp[2] ?? '*'}`;
  if (servers.has(pattern)) return `write ${pattern}/* for all of its tools`;
  if (!isRule && agents.has(pattern)) return `"${pattern}" is an agent: name it in \`agents:\``;
  if (!isRule && closest(pattern, [askPerson]) !== undefined) return `did you mean "${askPerson}"?`;
  if (isRule && /^[\w*?-]+$/.test(pattern)) return `write server/tool, for example */${pattern}`;
  return 'write server/tool, for example files/read_*';
}
