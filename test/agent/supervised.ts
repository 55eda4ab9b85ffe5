/** Agents whose calls people are asked about, and what the tests say to them and read of them. */
import type { Agent } from '../../src/agent/agent.ts';
import type { Model } from '../../src/agent/model.ts';
import type { Policy, ToolUse, Verdict } from '../../src/agent/policy.ts';
import type { EffectTool, ToolOutcome } from '../../src/agent/tool.ts';
import type { Json, JsonObject } from '../../src/json.ts';
import type { Grant } from '../../src/task/engine.ts';
import type { InputRequest, InputResponse } from '../../src/task/question.ts';
import { calls, fakeAgent, fakeTool, modelByTurn, ok, says } from './fakes.ts';
import { valueOf, World } from './world.ts';

type Say = Verdict['decision'] | Partial<Verdict> | ((use: ToolUse) => Verdict['decision'] | undefined);
/** By the tool's id. */
export const policyOf = (rules: Record<string, Say>, version = 'v1'): Policy => ({
  version,
  judge(use) {
    const rule = rules[use.tool];
    const said = typeof rule === 'function' ? rule(use) : rule;
    if (said === undefined) return undefined;
    const verdict = typeof said === 'string' ? { decision: said } : said;
    return { decision: 'ask', rule: `agents.yaml:7:3 ${verdict.decision ?? 'ask'} ${use.tool}`, ...verdict };
  },
});

export interface Made {
  tool: string;
  bytes: string;
  grant: Grant;
}

/** Keeps what really left. */
export function tool(name: string, made: Made[], parts: Partial<EffectTool> = {}): EffectTool {
  const effect = parts.effect ?? 'unsafe';
  return {
    ...fakeTool(name, async (args, { commit, grant }) => {
      const bytes = JSON.stringify(args);
      await commit(bytes, effect);
      made.push({ tool: name, bytes, grant });
      return ok(`did ${bytes}`);
    }),
    ...parts,
  };
}

export const agentOf = (asked: [string, Json?][], tools: EffectTool[], parts: Partial<Agent> = {}): Agent =>
  fakeAgent({ policy: policyOf({}), ...parts, tools, limits: parts.limits ?? {}, model: model(asked) });
export const model = (...turns: [string, Json?][][]): Model =>
  modelByTurn([...turns.map((asked) => calls(asked as [string, Json][])), says('done')]);

export const accept = (content: JsonObject): InputResponse => ({ action: 'accept', content });
export const approve = accept({ decision: 'approve' });
export const at = (call: number, name = 'approval 1', turn = 1): string => `turn ${turn}: call ${call}/${name}`;
type Form = InputRequest & { kind: 'form' };
export const formAt = (world: World, key: string): Form => {
  const request = world.questions.get(key)?.request;
  if (request?.kind !== 'form') throw new Error(`no form at ${key}: ${[...world.questions.keys()].join(', ')}`);
  return request;
};

export async function begun(agent: Agent): Promise<World> {
  const world = new World();
  world.begin(agent);
  await world.rest();
  return world;
}

export async function answered(world: World, key: string, response: InputResponse): Promise<void> {
  world.answer(key, response);
  await world.rest();
}

/** What the model was told of a call. */
export function told(world: World, call = 1): string {
  const [settled, after, first] = ['settled', 'after_tool', 'call'].map((name) => valueOf(world, at(call, name)));
  const outcome = (after ?? settled ?? first) as unknown as ToolOutcome | null;
  return outcome === null ? '' : outcome.content.map((block) => ('text' in block ? block.text : '')).join('\n');
}
