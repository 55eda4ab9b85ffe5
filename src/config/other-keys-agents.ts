/** Keys that are not ours, in agents, their models, limits, permissions and hooks. */
import { instead, type OtherKeys } from './foreign-keys.ts';

const permissionKeys = (rules: string): Record<string, string> => ({
  ...instead(`write \`${rules}allow:\``, 'allowed', 'approve', 'always_allow', 'auto_approve'),
  ...instead(`write \`${rules}ask:\``, 'prompt', 'confirm', 'require_approval', 'needs_approval', 'interrupt_on'),
  ...instead(`write \`${rules}deny:\``, 'denied', 'block', 'forbid', 'reject', 'never'),
});

const modelKeys =
  'settings of a model belong to `models`: models: { NAME: { model: ..., KEY: ... } }, and model: NAME here';

const agent: OtherKeys = {
  thing: 'an agent',
  notBuilt: {
    prompts: 'remove it',
    skills: 'put their text into `instructions`',
    memory: 'remove it',
    conversations: 'remove it',
  },
  foreign: {
    ...instead(
      'write `instructions:`',
      'instruction',
      'system',
      'system_prompt',
      'systemPrompt',
      'prompt',
      'persona',
      'goal',
      'backstory',
      'developer_instructions',
    ),
    ...instead('write `agents:`', 'sub_agents', 'subagents', 'subAgents', 'handoffs', 'children'),
    ...instead('write `steps: [AGENT, AGENT]`', 'sequence', 'chain', 'workflow', 'pipeline', 'nodes'),
    ...instead('write `steps: [{ parallel: [AGENT, AGENT] }]`', 'parallel', 'fan_out'),
    ...instead('write `steps: [{ map: AGENT, over: KEY }]`', 'map', 'foreach', 'for_each'),
    ...instead(
      'write `tools:` with server/tool globs, for example [files/*]',
      'toolsets',
      'servers',
      'mcp_servers',
      'mcpServers',
      'allowed_tools',
      'allowedTools',
    ),
    ...instead(
      'write `limits: { turns: ... }`',
      'max_iterations',
      'maxIterations',
      'max_turns',
      'maxTurns',
      'max_steps',
      'maxSteps',
      'max_iter',
    ),
    ...instead('write `input:`', 'input_schema', 'inputSchema', 'parameters'),
    ...instead(
      'write `output:`',
      'output_schema',
      'outputSchema',
      'structured_output',
      'response_format',
      'output_type',
    ),
    ...instead('write `limits: { cost: 2 USD }`', 'budget', 'max_cost'),
    ...instead('write `limits: { time: 20m }`', 'timeout', 'max_time'),
    ...instead(
      modelKeys,
      'temperature',
      'max_tokens',
      'thinking',
      'reasoning',
      'effort',
      'base_url',
      'api_key',
      'fallback',
      'price',
      'provider',
    ),
    ...instead('the key of the entry is its name', 'name', 'id'),
    ...instead('name them in `serve: { expose: [...] }`', 'expose', 'exposed'),
    ...permissionKeys('permissions: '),
    ...instead('write `permissions: { ask: [...] }`', 'approval', 'approvals', 'human_input', 'permission_mode'),
    ...instead('write `ask_person` into `tools`', 'ask_person', 'ask_human', 'elicitation'),
  },
};

const ruleForeign = {
  ...instead('write `tool:`', 'tools', 'name', 'match', 'pattern'),
  ...instead('write `when:` (CEL)', 'if', 'condition', 'where', 'unless', 'args'),
};

const { name: _name, id: _id, maxTurns: _maxTurns, ...cardForeign } = agent.foreign ?? {};

export const agentKeys = {
  agent,
  card: { ...agent, thing: 'an agent card', foreign: cardForeign },
  model: {
    thing: 'a model',
    notBuilt: { retry: 'remove it', timeout: 'remove it' },
    foreign: {
      ...instead('write `model: provider/model`', 'provider', 'name', 'id', 'model_name'),
      ...instead('write `base_url:`', 'baseUrl', 'baseURL', 'url', 'api_base', 'endpoint'),
      ...instead('write `api_key: "${env:NAME}"`', 'apiKey', 'key', 'token', 'token_key', 'api_key_env', 'env_key'),
      ...instead('write `max_tokens:`', 'max_output_tokens', 'maxTokens', 'maxOutputTokens', 'max_completion_tokens'),
      ...instead(
        'write `thinking: low`, `medium` or `high`',
        'effort',
        'reasoning',
        'reasoning_effort',
        'thinking_budget',
      ),
      ...instead('write `price:` (US dollars per million tokens)', 'cost', 'pricing'),
      ...instead('write `context_window:`', 'context_length', 'max_context', 'contextWindow'),
    },
  },
  permissions: { thing: 'permissions', foreign: permissionKeys('') },
  rule: {
    thing: 'a rule',
    foreign: { ...ruleForeign, ...instead('only an `ask` waits for people, and expires', 'expires') },
  },
  askRule: { thing: 'a rule', foreign: { ...ruleForeign, ...instead('write `expires: 4h`', 'timeout', 'ttl') } },
  hooks: {
    thing: 'hooks',
    foreign: {
      ...instead('write `before_tool:`', 'PreToolUse', 'pre_tool_use', 'pre_tool', 'on_tool_start'),
      ...instead('write `after_tool:`', 'PostToolUse', 'post_tool_use', 'post_tool', 'on_tool_end'),
      ...instead('write `task_start:`', 'UserPromptSubmit', 'SessionStart', 'on_start', 'before_task'),
      ...instead('write `task_end:`', 'Stop', 'SubagentStop', 'SessionEnd', 'on_end', 'after_task'),
      ...instead('write `on_approval:`', 'PermissionRequest', 'Notification', 'on_ask'),
      ...instead('write `before_model:`', 'pre_model', 'on_llm_start'),
      ...instead('write `after_model:`', 'post_model', 'on_llm_end'),
    },
  },
  hook: {
    thing: 'a hook',
    foreign: {
      ...instead('write `module: FILE`', 'file', 'path', 'script', 'run'),
      ...instead('write `match:`', 'matcher', 'matches', 'tools', 'tool'),
      ...instead('write `command: [PROGRAM, ARGUMENT, ...]`', 'args', 'argv', 'cmd', 'exec'),
      ...instead('remove it', 'type', 'hooks', 'name'),
    },
  },
  step: {
    thing: 'a step',
    foreign: {
      ...instead('write the name alone: steps: [NAME]', 'run', 'agent', 'name', 'call', 'use'),
      ...instead('write `parallel:`', 'all', 'fan_out', 'concurrent', 'together'),
      ...instead('write `map: AGENT` and `over: KEY`', 'foreach', 'for_each', 'each', 'loop'),
      ...instead('write `over:`', 'items', 'list', 'in', 'from'),
      ...instead('make an agent of them, NAME: { steps: [...] }, and write NAME here', 'steps', 'sequence'),
    },
  },
  limits: {
    thing: 'limits',
    notBuilt: {
      result_size: 'remove it',
    },
    foreign: {
      ...instead('write `turns:`', 'max_turns', 'max_iterations', 'iterations', 'steps', 'max_steps'),
      ...instead('write `cost:`', 'budget', 'max_cost', 'usd', 'money'),
      ...instead('write `time:`', 'timeout', 'duration', 'max_time', 'wall_time'),
      ...instead('write `tokens:`', 'max_tokens', 'total_tokens'),
      ...instead('write `depth:`', 'max_depth'),
      ...instead('write `agents:`', 'children', 'max_agents', 'max_children', 'fan_out', 'subagents'),
      ...instead('write `parallel_tools:`', 'concurrency', 'parallel', 'parallel_calls'),
      ...instead('write `tool_calls:`', 'calls', 'max_tool_calls'),
      ...instead('write `same_call:`', 'identical_calls', 'repeats', 'loop'),
      ...instead('write `tasks:`', 'max_tasks', 'open_tasks', 'tasks_at_work'),
    },
  },
} satisfies Record<string, OtherKeys>;
