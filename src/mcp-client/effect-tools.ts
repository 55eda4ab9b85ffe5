/** A server's list as tools of agents: under the operator's names and effect classes. */
import type { EffectTool } from '../agent/tool.ts';
import type { JsonObject } from '../json.ts';
import type { Log } from '../log.ts';
import { idempotencyKey } from '../meta-keys.ts';
import { boundedCheck } from './bounded-schema.ts';
import { callAgent } from './call-agent.ts';
import { callTool } from './call-tool.ts';
import { keyPlace, type KeyPlace, withoutKey } from './keyed.ts';
import { pinnedTool } from './pinned-tool.ts';
import type { Pins } from './pins.ts';
import { readingTools } from './reading-tools.ts';
import { type RemoteCall, toolCall } from './remote-call.ts';
import type { Listed, Server } from './server.ts';
import type { EffectClass } from '../task/effect.ts';
import type { ServerOptions, ToolRule } from './options.ts';
import type { ServerTool } from './server-tool.ts';
import { effectOf, modelName, ruleFor } from './tool-names.ts';
import { pinOf } from './tool-pin.ts';

export interface ListedTool {
  /** As the server calls it. */
  ownName: string;
  tool: EffectTool;
  outputSchema?: JsonObject;
  annotations: JsonObject;
}

/** Two tools with one name are never merged: the later one is left out, and said so. */
export function effectTools(server: Server, listed: Listed, log: Log, pins: Pins | undefined): ListedTool[] {
  const { name, options } = server;
  const built = new Map<string, ListedTool>();
  const add = (ownName: string, build: (id: string, named: string) => ListedTool): void => {
    const called = ruleFor(options, ownName)?.rename ?? ownName;
    const id = `${name}/${called}`;
    const clash = built.get(id);
    if (clash === undefined) {
      built.set(id, build(id, modelName(name, called)));
      return;
    }
    const fault = `${name}/${ownName} was left out: ${clash.ownName} is called ${id} already; rename one of them`;
    listed.faults.push(fault);
    log.error(fault);
  };

  for (const now of listed.tools) {
    add(now.ownName, (id, named) => {
      const { tool, pin, change } = pinnedTool(name, now, pins);
      const rule = ruleFor(options, tool.ownName);
      const isAgent = options.deputy === true && tool.isAgent;
      const { effect, key } = isAgent ? howAgent(options, rule, tool) : howTool(options, rule, tool);
      const checkOutput = tool.outputSchema && boundedCheck(tool.outputSchema);
      const told = { ...tool, inputSchema: withoutKey(tool.inputSchema, key), pin, ...(change && { change }) };
      return {
        ownName: tool.ownName,
        tool: effectTool(server, named, told, toolCall({ id, effect, tool, checkOutput, key, isAgent })),
        ...(tool.outputSchema && { outputSchema: tool.outputSchema }),
        annotations: tool.annotations,
      };
    });
  }
  const own = new Set(listed.tools.map((tool) => tool.ownName));
  for (const tool of readingTools(name, listed)) {
    if (own.has(tool.ownName) || built.has(`${name}/${tool.ownName}`)) continue;
    add(tool.ownName, (id, named) => {
      const ruled = ruleFor(options, tool.ownName)?.effect ?? 'read';
      // They have no place for a key.
      const effect = ruled === 'keyed' ? 'unsafe' : ruled;
      const { ownName, description, inputSchema } = tool;
      const told = { description, inputSchema, pin: pinOf({ name: ownName, description, inputSchema }) };
      const call = { ...tool.call(id), effect };
      return { ownName, tool: effectTool(server, named, told, call), annotations: {} };
    });
  }
  return [...built.values()];
}

interface How {
  effect: EffectClass;
  key?: KeyPlace | undefined;
}

function howTool(options: ServerOptions, rule: ToolRule | undefined, tool: ServerTool): How {
  const effect = effectOf(options, rule, tool.annotations);
  return {
    effect,
    key: effect === 'keyed' && rule?.key !== undefined ? keyPlace(rule.key, tool.inputSchema) : undefined,
  };
}

/** A Deputy makes the same task of the same key: so its agents are keyed, unless the operator knows better. */
function howAgent(options: ServerOptions, rule: ToolRule | undefined, tool: ServerTool): How {
  const known = rule?.effect ?? effectOf(options, rule, tool.annotations);
  const effect = rule?.effect === undefined && known === 'unsafe' ? 'keyed' : known;
  return {
    effect,
    key: rule?.key === undefined ? { place: '_meta', name: idempotencyKey } : keyPlace(rule.key, tool.inputSchema),
  };
}

type Told = Pick<EffectTool, 'description' | 'inputSchema' | 'pin' | 'change'>;

function effectTool(
  server: Server,
  name: string,
  { description, inputSchema, pin, change }: Told,
  call: RemoteCall,
): EffectTool {
  const check = boundedCheck(inputSchema);
  return {
    kind: 'effect',
    id: call.id,
    name,
    description,
    inputSchema,
    effect: call.effect,
    ...(call.isAgent === true && { isAgent: true }),
    pin,
    ...(change && { change }),
    check: (args) => check?.(args),
    call: (args, options) => (call.isAgent === true ? callAgent : callTool)(server, call, args, options),
  };
}
