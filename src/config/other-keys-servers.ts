/** Keys that are not ours, in `mcpServers`. */
import { instead, type OtherKeys } from './foreign-keys.ts';

export const serverKeys = {
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
      ...instead('write `deputy: true`', 'agents', 'isDeputy', 'is_deputy', 'nested'),
      ...instead('write `protocol: 2025-11-25` or `2026-07-28`', 'protocolVersion', 'protocol_version', 'era'),
      ...instead('write `url_hosts: [...]`', 'urlHosts', 'allowed_hosts'),
      ...instead('remove it: definitions of tools are pinned in deputy.lock', 'lock', 'pins', 'pin'),
      ...instead('write `trust: annotations`, or remove it', 'trusted'),
      ...instead('put the values into your environment: deputy --env-file FILE', 'envFile', 'env_file'),
      ...instead('write `headers:` or `auth:`', 'headersHelper', 'http_headers', 'env_http_headers'),
      ...instead('remove it', 'gallery', 'description', 'version', 'dev', 'icon', 'name'),
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
} satisfies Record<string, OtherKeys>;
