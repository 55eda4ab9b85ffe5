/** Turns `permissions` into rules: those of the file hold for every agent, beside its own. */
import { relative, sep } from 'node:path';
import { agentReferences } from './agent-references.ts';
import { valueOf, type Declarations, type Declared } from './declarations.ts';
import { policyOf, type AgentPolicy, type Decision, type Rule } from './permissions.ts';
import type { Problems } from './problem.ts';
import type { PermissionsEntry } from './schema-permissions.ts';
import type { AgentEntry, FileEntry } from './schema.ts';
import { positionAt, type Place } from './source.ts';
import { askPerson, compileRuleGlob, serverMatcher } from './tool-globs.ts';
import { checkPattern } from './tool-patterns.ts';

type Holder = Declared<{ permissions?: PermissionsEntry | undefined }>;

/** An allow and a deny never expire. */
type RuleEntry = { tool: string; when?: string | undefined; expires?: number | undefined };

export interface PermissionNeeds {
  main: Declared<FileEntry>;
  declarations: Declarations;
  /** Rules name their place relative to it. */
  root: string;
  problems: Problems;
}

/** Deny first: the order in which rules are shown. */
const decisions: readonly Decision[] = ['deny', 'ask', 'allow'];

/** @returns a policy for each agent that is asked for. */
export async function resolvePermissions(
  needs: PermissionNeeds,
): Promise<(name: string, declared: Declared<AgentEntry>) => Promise<AgentPolicy>> {
  const ofFile = await readRules('', needs.main, needs);
  warnUnanswerable(needs, needs.main);
  return async (name, declared) => {
    const own = await readRules(`agents.${name}.`, declared, needs);
    warnIdle(name, declared, needs);
    warnUnanswerable(needs, declared);
    return policyOf([...own, ...ofFile]);
  };
}

async function readRules(prefix: string, holder: Holder, needs: PermissionNeeds): Promise<Rule[]> {
  const rules: Rule[] = [];
  for (const decision of decisions) {
    for (const [index, entry] of (holder.value.permissions?.[decision] ?? []).entries()) {
      const where = `${prefix}permissions.${decision}`;
      const at = (...path: string[]): Place => valueOf(holder, 'permissions', decision, index, ...path);
      const { tool, when, expires }: RuleEntry = typeof entry === 'string' ? { tool: entry } : entry;
      checkPattern({ pattern: tool, place: at('tool'), where, isRule: true }, needs.declarations, needs.problems);
      const condition = when === undefined ? undefined : await readCondition(when, at('when'), where, needs.problems);
      rules.push({
        decision,
        pattern: tool,
        matches: compileRuleGlob(tool),
        place: placeText(at(), needs.root),
        ...(condition !== undefined && { when: condition }),
        ...(expires !== undefined && { expiresInMs: expires }),
      });
    }
  }
  return rules;
}

async function readCondition(text: string, place: Place, where: string, problems: Problems): Promise<Rule['when']> {
  // CEL takes longer to load than most commands need.
  const { compileCondition } = await import('./condition.ts');
  const compiled = compileCondition(text);
  if ('holds' in compiled) return compiled;
  const { fault, help, range } = compiled;
  problems.error('E_CONDITION', within(place, text.trim(), range), `the condition in ${where} ${fault}`, { help });
  return undefined;
}

/** The part of the text that is meant. YAML may have folded its lines; where it has escapes, the whole text is meant. */
function within({ source, span }: Place, text: string, range?: { start: number; end: number }): Place {
  const written = source.text.slice(...span);
  const offsets = [...written.matchAll(/\S/g)].map(({ index }) => index);
  const bare = withoutBlanks(text);
  const at = withoutBlanks(written).indexOf(bare);
  if (range === undefined || at === -1 || bare === '') return { source, span };
  const first = Math.min(withoutBlanks(text.slice(0, range.start)).length, bare.length - 1);
  const last = Math.max(withoutBlanks(text.slice(0, range.end)).length - 1, first);
  const [start, end] = [offsets[at + first] ?? 0, offsets[at + last] ?? 0];
  return { source, span: [span[0] + start, span[0] + end + 1] };
}

const withoutBlanks = (text: string): string => text.replaceAll(/\s/g, '');

function placeText({ source, span }: Place, root: string): string {
  const { line, col } = positionAt(source, span[0]);
  return `${relative(root, source.path).replaceAll(sep, '/')}:${line}:${col}`;
}

/** Whoever allows what an agent does not have may think that it has it now. */
function warnIdle(name: string, declared: Declared<AgentEntry>, { declarations, problems }: PermissionNeeds): void {
  const { tools = [], permissions } = declared.value;
  const agents = agentReferences(declared).map((reference) => reference.name);
  const servers = [...declarations.servers.keys()];
  const had = [...servers.filter((server) => tools.some((glob) => serverMatcher(glob)(server))), ...agents, ...tools];
  const known = [...declarations.agents.keys(), askPerson];
  for (const [index, entry] of (permissions?.allow ?? []).entries()) {
    const pattern = typeof entry === 'string' ? entry : entry.tool;
    const isOfServer = pattern.includes('/');
    const meant = isOfServer ? servers.filter(serverMatcher(pattern)) : known.filter(compileRuleGlob(pattern));
    if (meant.length === 0 || meant.some((one) => had.includes(one)) || /^\*+$/.test(pattern)) continue;
    problems.warn(
      'W_RULE',
      valueOf(declared, 'permissions', 'allow', index, 'tool'),
      `agents.${name} has no tool that ${JSON.stringify(pattern)} could allow`,
      { help: mendForIdle(name, isOfServer, declared.value.steps !== undefined) },
    );
  }
}

function mendForIdle(name: string, isOfServer: boolean, isComposed: boolean): string {
  if (isComposed && isOfServer) return 'the agents of its steps have the tools: write the rule there';
  return `permissions give no tools: name it in agents.${name}.${isOfServer ? 'tools' : isComposed ? 'steps' : 'agents'} as well`;
}

/** A store in memory dies with its process, and no other command sees what waits in it. */
function warnUnanswerable({ main, problems }: PermissionNeeds, holder: Holder): void {
  const asks = holder.value.permissions?.ask ?? [];
  if (asks.length === 0 || main.value.store?.sqlite !== ':memory:') return;
  problems.warn(
    'W_NOBODY',
    valueOf(holder, 'permissions', 'ask', 0),
    'only the caller of a task could answer this: the store is in memory, where no other command sees what waits',
    { help: 'leave out `store.sqlite`, or name a file' },
  );
}
