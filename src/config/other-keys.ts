/**
 * Keys that are not part of the format, and what to say about them: those that are planned and not built yet are
 * refused by name, those that other tools use are answered with ours. Anything else is a slip of the pen.
 */
import { z } from 'zod';

export interface OtherKeys {
  /** How people call the thing whose keys these are. */
  thing: string;
  /** Planned keys: what holds until they are built. */
  notBuilt?: Readonly<Record<string, string>>;
  /** Keys of other tools (MCP hosts, docker-agent, fast-agent, Claude, agent SDKs): our own way to say it. */
  foreign?: Readonly<Record<string, string>>;
}

/** Filled by schema.ts: the rules of each map of keys. */
export const keyRules = z.registry<OtherKeys>();

const instead = (ours: string, ...theirs: string[]): Record<string, string> =>
  Object.fromEntries(theirs.map((key) => [key, ours]));

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
    steps: 'give the agent a model, and the others as `agents`',
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
  server: {
    thing: 'an MCP server',
    notBuilt: {
      registry: 'write the command or the url that the registry names',
      server: 'write the command or the url that the registry names',
      oauth: 'write auth: { bearer: "${env:TOKEN}" }',
      sandbox: 'remove it',
    },
    foreign: {
      ...instead('write `url:`', 'serverUrl', 'httpUrl', 'endpoint', 'baseUrl', 'uri'),
      ...instead('write `env:`', 'environment', 'envs', 'env_vars'),
      ...instead('write `cwd:`', 'working_dir', 'workingDirectory', 'dir'),
      ...instead('write `type:`, or leave it out', 'transport', 'transportType'),
      ...instead(
        'write `auth: { bearer: "${env:TOKEN}" }`',
        'bearer',
        'bearer_token',
        'bearer_token_env_var',
        'token',
        'authorization',
      ),
      ...instead(
        'write `timeout: 60s`',
        'tool_timeout_sec',
        'startup_timeout_sec',
        'timeoutMs',
        'read_timeout_seconds',
        'request_timeout',
      ),
      ...instead('remove the entry, or put # before its lines', 'disabled', 'enabled'),
      ...instead(
        "name the tools in the agents' `tools`",
        'includeTools',
        'excludeTools',
        'enabled_tools',
        'disabled_tools',
        'allowedTools',
        'disabledTools',
      ),
      ...instead('write `permissions: { allow: [SERVER/TOOL] }`', 'autoApprove', 'alwaysAllow', 'permissions'),
      ...instead('write `asks: true`', 'elicitation'),
      ...instead('write `url_hosts: [...]`', 'urlHosts', 'allowed_hosts'),
      ...instead('remove it: definitions of tools are pinned in deputy.lock', 'lock', 'pins', 'pin'),
      ...instead('write `trust: annotations`, or remove it', 'trusted'),
      ...instead('put the values into your environment: deputy --env-file FILE', 'envFile', 'env_file'),
      ...instead('write `headers:` or `auth:`', 'headersHelper', 'http_headers', 'env_http_headers'),
      ...instead('remove it', 'gallery', 'description', 'version', 'dev', 'icon', 'name'),
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
  auth: {
    thing: 'auth',
    notBuilt: Object.fromEntries(
      [
        'oauth',
        'client_credentials',
        'client-credentials',
        'client_id',
        'client_secret',
        'issuer',
        'scopes',
        'scope',
      ].map((key) => [key, 'write { bearer: "${env:TOKEN}" }']),
    ),
    foreign: instead('write { bearer: "${env:TOKEN}" }', 'token', 'type', 'bearer_token', 'api_key'),
  },
  toolRule: {
    thing: 'a tool',
    notBuilt: {
      verify: 'remove it',
      timeout: "use the server's `timeout`",
      concurrency: "use the server's `concurrency`",
    },
    foreign: {
      ...instead('write `effect: { keyed: NAME }`', 'keyed', 'key'),
      ...instead('write `permissions: { ask: [SERVER/TOOL] }`', 'permission', 'permissions', 'approval'),
      ...instead('write `effect: read`', 'readOnly', 'read_only', 'readOnlyHint'),
      ...instead('write `rename:`', 'name', 'alias'),
    },
  },
  keyed: { thing: 'effect', foreign: instead('write { keyed: NAME }', 'key', 'name', 'argument', 'meta') },
  limits: {
    thing: 'limits',
    notBuilt: {
      children: 'remove it',
      result_size: 'remove it',
    },
    foreign: {
      ...instead('write `turns:`', 'max_turns', 'max_iterations', 'iterations', 'steps', 'max_steps'),
      ...instead('write `cost:`', 'budget', 'max_cost', 'usd', 'money'),
      ...instead('write `time:`', 'timeout', 'duration', 'max_time', 'wall_time'),
      ...instead('write `tokens:`', 'max_tokens', 'total_tokens'),
      ...instead('write `depth:`', 'max_depth'),
      ...instead('write `parallel_tools:`', 'concurrency', 'parallel', 'parallel_calls'),
      ...instead('write `tool_calls:`', 'calls', 'max_tool_calls'),
      ...instead('write `same_call:`', 'identical_calls', 'repeats', 'loop'),
      ...instead('write `tasks:`', 'max_tasks', 'open_tasks', 'tasks_at_work'),
    },
  },
  serve: {
    thing: 'serve',
    notBuilt: {
      stdio: 'run `deputy serve --stdio`',
      console: 'remove it',
      tls: 'put a proxy before it',
    },
    foreign: {
      ...instead('write `http: { port: ... }`', 'port', 'host', 'address', 'listen'),
      ...instead('write `expose:`', 'agents', 'tools'),
      ...instead('write `webhooks:`', 'webhook', 'notify'),
      ...instead('write `permissions:` at the top, or for an agent', 'permissions', 'approvals'),
    },
  },
  webhook: {
    thing: 'a webhook',
    foreign: {
      ...instead('remove it: every new question is announced', 'events', 'on'),
      ...instead('write `secret: "${env:NAME}"`', 'key', 'token', 'signing_secret'),
      ...instead('write `url:`', 'endpoint', 'href'),
    },
  },
  http: {
    thing: 'serve.http',
    notBuilt: {
      tls: 'put a proxy before it',
      allowed_origins: 'write `allowed_hosts:`; pages of these hosts may call as well',
      path: 'the path is /mcp',
      cors: 'remove it',
    },
    foreign: {
      ...instead('write `host:` and `port:`', 'address', 'listen', 'bind', 'url'),
      ...instead('write `allowed_hosts:`', 'hosts', 'allowedHosts', 'hostnames'),
      ...instead('it belongs to `serve`: serve: { auth: ... }', 'auth'),
    },
  },
  serveAuth: {
    thing: 'serve.auth',
    notBuilt: {
      oauth: 'run an authorization server beside it, and name it as `issuer`',
      users: 'give each of them a key, or name the `issuer` of their tokens',
    },
    foreign: {
      ...instead('it is found from `issuer`', 'jwks', 'jwks_uri', 'jwksUri', 'jwks_url', 'discovery'),
      ...instead('write `issuer:`', 'issuers', 'iss', 'authorization_server', 'authorization_servers'),
      ...instead('write `audience:`', 'aud', 'resource', 'audiences'),
      ...instead('write `scope:`', 'scopes', 'required_scopes'),
      ...instead(
        'write `keys: { alice: "${env:ALICE_KEY}" }`',
        'key',
        'token',
        'tokens',
        'bearer',
        'api_key',
        'api_keys',
      ),
      ...instead('only signatures by key pairs are taken', 'algorithm', 'algorithms', 'secret'),
    },
  },
  ownerLimits: {
    thing: 'serve.limits',
    foreign: {
      ...instead('write `open_tasks:`', 'tasks', 'max_tasks'),
      ...instead('write `tasks_at_work:`', 'concurrency', 'parallel'),
      ...instead('write `starts_per_second:`', 'rate', 'rps', 'requests_per_second', 'starts'),
    },
  },
  store: {
    thing: 'store',
    notBuilt: { postgres: 'write { sqlite: ./.deputy/deputy.db }, or leave store out' },
    foreign: {
      ...instead('write `sqlite: FILE`', 'path', 'file', 'url', 'database', 'db', 'type'),
      ...instead('write `keep: 7d`', 'ttl', 'retention', 'ttl_ms'),
      ...instead('write `keep_journal: 30d`', 'journal', 'audit', 'keep_audit'),
    },
  },
} satisfies Record<string, OtherKeys>;
