/** Another agent, offered to this one as a tool: nesting is a function call inside the caller's branch. */
import type { Json, JsonObject } from '../json.ts';
import type { Agent } from './agent.ts';
import { agentInput } from './agent-input.ts';
import { runAgent } from './loop.ts';
import type { AgentTool } from './tool.ts';

/** @param agent is asked for when it is called first: agents may be declared in any order. */
export function agentTool(
  agent: () => Agent,
  spec: { name: string; description: string; inputSchema: JsonObject; check(args: Json): string | undefined },
): AgentTool {
  return {
    kind: 'agent',
    id: spec.name,
    ...spec,
    async run(args, context, allowance) {
      const { content } = agentInput(args);
      const result = await runAgent(agent(), [{ role: 'user', content }], context, allowance);
      return {
        content: result.content,
        ...(result.structuredContent !== undefined && { structuredContent: result.structuredContent }),
        isError: result.isError ?? false,
        usage: result.usage,
        agents: 1 + (result.agents ?? 0),
        ...(result.stop === 'stopped' && { stops: true }),
      };
    },
  };
}
