/** Which rule decides about a tool call, and which others match it. */
import { type Verdict, verdictOf } from '../agent/policy.ts';
import { UsageError } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import type { EffectClass } from '../task/effect.ts';
import { suggestion } from './closest.ts';
import type { AgentConfig, Config } from './config.ts';
import { applies, metBy, ruleText, type Decision } from './permissions.ts';
import { askPerson } from './tool-globs.ts';

export interface Explanation {
  effect: EffectClass;
  /** Of a call by callers alone: agents that call this one may only be stricter. */
  verdict: Verdict;
  /** Without arguments: whether other arguments than none could come to another verdict. */
  dependsOnArguments: boolean;
  /** All that are about this tool, in the order in which they are tried. */
  rules: ExplainedRule[];
}

export interface ExplainedRule {
  /** `agents.yaml:12:7`. */
  place: string;
  decision: Decision;
  /** With its place: `agents.yaml:12:7 ask files/write_file when args.size > 5`. */
  text: string;
  /** `depends`: on arguments, and none were given. */
  holds: 'yes' | 'no' | 'depends';
  /** Why its condition cannot be evaluated. Then an allow does not hold, and the others do. */
  fault?: string;
  decides: boolean;
}

/**
 * @param tool `server/tool`, the name of an agent, or `ask_person`
 * @param effect default: as agents.yaml has it; what a server says of its own tools is not known here
 * @throws UsageError there is no such agent, or the agent has no such tool.
 */
export function explainPermissions(
  config: Config,
  agentName: string,
  tool: string,
  args?: JsonObject,
  effect?: EffectClass,
  owner = '',
): Explanation {
  const agent = agentOf(config, agentName);
  refuseUnknownTool(agent, tool);
  const use = {
    tool,
    args: args ?? {},
    effect: effect ?? declaredEffect(config, tool),
    agent: agentName,
    owner,
  };
  const verdict = verdictOf(use, agent.policy, []);
  const rules = agent.policy.rules
    .filter((rule) => rule.matches(tool))
    .map((rule): ExplainedRule => {
      const met = metBy(rule, use);
      const isOpen = args === undefined && rule.when?.readsArguments === true;
      return {
        place: rule.place,
        decision: rule.decision,
        text: ruleText(rule),
        holds: isOpen ? 'depends' : applies(rule, met) ? 'yes' : 'no',
        ...(typeof met !== 'boolean' && !isOpen && { fault: met.fault }),
        decides: false,
      };
    });
  const deciding = rules.find(({ text, decision }) => decision === verdict.decision && verdict.rule.startsWith(text));
  return {
    effect: use.effect,
    verdict,
    dependsOnArguments: rules.some(({ holds }) => holds === 'depends'),
    rules: rules.map((rule) => ({ ...rule, decides: rule === deciding })),
  };
}

function agentOf({ agents }: Config, name: string): AgentConfig {
  const agent = agents.find((one) => one.name === name);
  if (agent !== undefined) return agent;
  const names = agents.map((one) => one.name);
  throw new UsageError(`There is no agent ${JSON.stringify(name)}: ${suggestion(name, names, 'agents') ?? 'none'}`);
}

/** What its globs cannot reach needs no rule: the agent does not have it. */
function refuseUnknownTool({ name, tools, agents, mayAskPeople }: AgentConfig, tool: string): void {
  const own = [...agents, ...(mayAskPeople ? [askPerson] : [])];
  if (tool.includes('/') ? tools.matches(tool) : own.includes(tool)) return;
  const has = [...tools.patterns, ...own].join(', ');
  throw new UsageError(
    `${name} has no tool ${JSON.stringify(tool)}${has === '' ? ', nor any other' : `: it has ${has}`}`,
  );
}

/** Agents and our own tools change nothing by themselves: what they call is judged in its own turn. */
function declaredEffect({ servers }: Config, tool: string): EffectClass {
  const slash = tool.indexOf('/');
  if (slash === -1) return 'read';
  const name = tool.slice(slash + 1);
  const server = servers.find((one) => one.name === tool.slice(0, slash));
  const rules = server?.tools ?? [];
  const renamed = rules.find(({ rename }) => rename === name);
  // A Deputy's tools are agents, which know a repeated call by its key.
  return (
    (renamed ?? rules.find((rule) => rule.matches(name)))?.effect ?? (server?.deputy === true ? 'keyed' : 'unsafe')
  );
}
