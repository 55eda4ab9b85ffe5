/**
 * Keys that are not part of the format, and what to say about them: those that are planned and not built yet are
 * refused by name, those that other tools use are answered with ours. Anything else is a slip of the pen.
 */
import { z } from 'zod';
import { instead, type OtherKeys } from './foreign-keys.ts';
import { agentKeys } from './other-keys-agents.ts';
import { serveKeys } from './other-keys-serve.ts';
import { serverKeys } from './other-keys-servers.ts';

/** Filled by schema.ts: the rules of each map of keys. */
export const keyRules = z.registry<OtherKeys>();

const file: OtherKeys = {
  thing: 'the file',
  notBuilt: {
    telemetry: 'remove it',
    skills: 'remove it',
    console: 'remove it',
  },
  foreign: {
    ...instead('write `mcpServers:`', 'servers', 'mcp_servers', 'mcp', 'toolsets', 'tools'),
    ...instead('write `model:` (the model of agents that name none)', 'default_model', 'defaultModel'),
    ...instead('write `models:`', 'providers', 'llms', 'model_list'),
    ...instead('write `agents:`', 'agent', 'sub_agents', 'subagents'),
    ...instead('limits belong to an agent: agents.NAME.limits', 'limits'),
    ...instead('write `permissions:`', 'policy', 'policies', 'approvals', 'rules'),
    ...instead('write `serve: { webhooks: [...] }`', 'webhooks', 'notify'),
    ...instead('remove it: definitions of tools are pinned in deputy.lock', 'pins', 'lock'),
    ...instead('write `include:`', 'includes', 'import', 'imports', 'extends'),
    ...instead('VS Code asks for these; write "${env:NAME}" where the value is needed', 'inputs'),
  },
};

export const otherKeys = {
  file,
  included: {
    ...file,
    thing: 'an included file',
    foreign: {
      ...file.foreign,
      ...instead('it belongs in the main file', 'serve', 'model', 'permissions', 'hooks', 'store'),
    },
  },
  ...agentKeys,
  ...serverKeys,
  ...serveKeys,
} satisfies Record<string, OtherKeys>;
