/** Another agent, offered to this one as a tool: nesting is a function call inside the caller's branch. */
import type { Json } from '../json.ts';
import type { EffectClass } from '../task/effect.ts';
import type { Agent } from './agent.ts';
import { agentInput } from './agent-input.ts';
import { runAgent } from './loop.ts';
import type { AgentTool, ToolOutcome } from './tool.ts';
import type { JsonObject } from '../json.ts';

export function agentTool(
  agent: () => Agent,
  spec: {
    name: string;
    description: string;
    inputSchema: JsonObject;
    effect: EffectClass;
    check(args: Json): string | undefined;
  },
): AgentTool {
  return {
    kind: 'agent',
    id: spec.name,
    ...spec,
    async run(args, context, allowance): Promise<ToolOutcome> {
      const { content } = agentInput(args);
      const {
        stop: _stop,
        limit: _limit,
        isError = false,
        ...result
      } = await runAgent(agent(), [{ role: 'user', content }], context, allowance);
      return { ...result, isError };
    },
  };
}
