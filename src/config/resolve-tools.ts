/** Which tools an agent has. */
import type { AgentConfig } from './config.ts';
import { valueOf, type Declarations, type DeclaredAgent } from './declarations.ts';
import type { Problems } from './problem.ts';
import { askPerson, compileToolGlobs, globFault } from './tool-globs.ts';
import { checkPattern } from './tool-patterns.ts';

export function readTools(
  name: string,
  declared: DeclaredAgent,
  declarations: Declarations,
  problems: Problems,
): Pick<AgentConfig, 'tools' | 'mayAskPeople'> {
  const where = `agents.${name}.tools`;
  const written = declared.value.tools ?? [];
  const without = declared.withoutTools;
  for (const [index, pattern] of written.entries()) {
    if (pattern === askPerson) continue;
    checkPattern({ pattern, place: valueOf(declared, 'tools', index), where, isRule: false }, declarations, problems);
  }
  for (const pattern of without) {
    if (pattern === askPerson || globFault(pattern) === undefined) continue;
    const place = valueOf(declared, 'disallowedTools');
    checkPattern({ pattern, place, where, isRule: false }, declarations, problems);
  }
  const ofServers = (pattern: string): boolean => pattern !== askPerson;
  return {
    tools: compileToolGlobs(written.filter(ofServers), without.filter(ofServers), [...declarations.servers.keys()]),
    mayAskPeople: written.includes(askPerson) && !without.includes(askPerson),
  };
}
