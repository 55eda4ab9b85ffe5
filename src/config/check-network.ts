/** What is wrong with Deputies that start each other, as far as it is certain. At run time nothing of it does harm. */
import { suggestion } from './closest.ts';
import type { AgentConfig, Config, ServerConfig } from './config.ts';
import { keyOf, valueOf, type Declarations } from './declarations.ts';
import {
  agentsBelow,
  exposedBy,
  toolId,
  type AgentBelow,
  type NetworkAgent,
  type NetworkTree,
} from './network-tree.ts';
import { ruleText } from './permissions.ts';
import type { Problems } from './problem.ts';
import { shownPath, type Place } from './source.ts';
import { compileRuleGlob } from './tool-globs.ts';
import { warnUnboundedCost } from './unbounded-cost.ts';

export interface NetworkFile {
  tree: NetworkTree;
  config: Config;
  declarations: Declarations;
  /** By the name of the server: the file that it starts with, which may be one of `faults`. */
  starts: ReadonlyMap<string, string>;
  faults: ReadonlyMap<string, 'missing' | 'wrong' | 'unknown'>;
  /** Files are shown relative to it. */
  cwd: string;
  /** Circles that were reported already, for all files together. */
  circles: Set<string>;
}

/** Of the entries and the agents of one file; those of the files that it leads to are checked in their own turn. */
export function checkNetwork(file: NetworkFile, problems: Problems): void {
  for (const server of file.config.servers) {
    warnOfFile(server, file, problems);
    warnUndeclared(server, file, problems);
  }
  warnNoSuchAgent(file, problems);
  warnCircles(file, problems);
  warnUnboundedCost(file.tree, file.declarations, problems);
}

const placeOfServer = ({ declarations }: NetworkFile, name: string): Place | undefined => {
  const declared = declarations.servers.get(name);
  return declared === undefined ? undefined : keyOf(declared);
};

/** The Deputy that this entry starts would not come up. */
function warnOfFile({ name }: ServerConfig, file: NetworkFile, problems: Problems): void {
  const started = file.starts.get(name);
  const fault = started === undefined ? undefined : file.faults.get(started);
  const place = placeOfServer(file, name);
  if (started === undefined || fault === undefined || fault === 'unknown' || place === undefined) return;
  const shown = shownPath(started, file.cwd);
  problems.warn(
    'W_DEPUTY',
    place,
    `mcpServers.${name} cannot start: ${shown} ${fault === 'missing' ? 'does not exist' : 'has errors'}`,
    {
      help: fault === 'missing' ? 'its --config is relative to its `cwd`' : `deputy validate ${shown}`,
    },
  );
}

/** Another Deputy that is taken for a server like any other. */
function warnUndeclared(server: ServerConfig, file: NetworkFile, problems: Problems): void {
  const started = file.starts.get(server.name);
  const place = placeOfServer(file, server.name);
  if (server.deputy || started === undefined || place === undefined) return;
  const asker = server.asks ? undefined : firstAsker(server.name, file.tree);
  const lost = asker === undefined ? '' : `; what ${asker} reaches nobody here`;
  problems.warn(
    'W_DEPUTY',
    place,
    `mcpServers.${server.name} starts a Deputy (${shownPath(started, file.cwd)}): without \`deputy: true\` its agents know no limits and rules of their callers, and what they cost is not counted${lost}`,
    { help: 'add `deputy: true`' },
  );
}

/** An agent that is called through the server and may ask people, or one below it. */
function firstAsker(server: string, tree: NetworkTree): string | undefined {
  const other = tree.others.get(server);
  if (other === undefined) return undefined;
  const called = exposedBy(other).filter(({ name }) =>
    tree.config.agents.some((agent) => agent.tools.matches(toolId(tree, server, name))),
  );
  const seen = new Set<AgentConfig>();
  const waiting: NetworkAgent[] = called.map((agent) => ({ tree: other, agent }));
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const { agent } = next;
    if (seen.has(agent)) continue;
    seen.add(agent);
    const rule = agent.policy.rules.find(({ decision }) => decision === 'ask');
    if (agent.mayAskPeople) return `${agent.name} asks people`;
    if (rule !== undefined) return `${agent.name} asks by ${ruleText(rule)}`;
    waiting.push(...agentsBelow(next));
  }
  return undefined;
}

/** A glob that names one Deputy, and none of the agents that it exposes. */
function warnNoSuchAgent({ tree, config, declarations, starts, cwd }: NetworkFile, problems: Problems): void {
  for (const agent of config.agents) {
    const declared = declarations.agents.get(agent.name);
    for (const [index, pattern] of (declared?.value.tools ?? []).entries()) {
      const server = pattern.slice(0, Math.max(0, pattern.indexOf('/')));
      const other = tree.others.get(server);
      if (declared === undefined || other === undefined) continue;
      const ids = exposedBy(other).map(({ name }) => toolId(tree, server, name));
      if (ids.some(compileRuleGlob(pattern))) continue;
      problems.warn(
        'W_TOOL',
        valueOf(declared, 'tools', index),
        `${shownPath(starts.get(server) ?? '', cwd)} exposes no agent that ${JSON.stringify(pattern)} in agents.${agent.name}.tools could mean`,
        { help: suggestion(pattern, ids, 'it has') },
      );
    }
  }
}

/** At run time the call that closes a circle is refused; a `limits.depth` says that it is meant. */
function warnCircles(file: NetworkFile, problems: Problems): void {
  const done = new Set<AgentConfig>();
  for (const agent of file.config.agents) visit({ tree: file.tree, agent }, []);

  function visit(node: AgentBelow, path: AgentBelow[]): void {
    if (done.has(node.agent) || node.agent.limits.depth !== undefined) return;
    const here = [...path, node];
    for (const below of agentsBelow(node)) {
      const at = here.findIndex(({ agent }) => agent === below.agent);
      if (at === -1) visit(below, here);
      else report([...here.slice(at), below]);
    }
    done.add(node.agent);
  }

  /** Circles within one file are errors already; of the others, each is shown at a server of this file that it goes through. */
  function report(circle: AgentBelow[]): void {
    const exit = circle.slice(1).find(({ server }, index) => server !== undefined && circle[index]?.tree === file.tree);
    const place = exit?.server === undefined ? undefined : placeOfServer(file, exit.server);
    if (place === undefined) return;
    const key = [...new Set(circle.map(({ agent, tree }) => `${tree.config.file} ${agent.name}`))]
      .toSorted()
      .join('\n');
    if (file.circles.has(key)) return;
    file.circles.add(key);
    const names = circle.map(({ agent, tree }) => `${agent.name} (${shownPath(tree.config.file, file.cwd)})`);
    problems.warn('W_CYCLE', place, `agents call each other in a circle of Deputies: ${names.join(' -> ')}`, {
      help: 'the call that closes it will be refused: take it out of the `tools`, or say by a `limits.depth` of one of them that it is meant',
    });
  }
}
