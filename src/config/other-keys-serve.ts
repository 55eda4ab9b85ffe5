/** Keys that are not ours, in `serve` and `store`. */
import { instead, type OtherKeys } from './foreign-keys.ts';

export const serveKeys = {
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
      ...instead('write `abandon_after:`', 'orphan_timeout', 'orphans_after', 'abandon'),
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
      ...instead('write `working_tasks:`', 'working', 'max_working'),
      ...instead('write `starts_per_second:`', 'rate', 'rps', 'requests_per_second', 'starts'),
    },
  },
  store: {
    thing: 'store',
    foreign: {
      ...instead('write `sqlite: FILE`', 'path', 'file', 'db', 'type'),
      ...instead('write `postgres: URL`', 'url', 'database', 'postgresql', 'pg', 'dsn'),
      ...instead('write `keep: 7d`', 'ttl', 'retention', 'ttl_ms'),
      ...instead('write `keep_journal: 30d`', 'journal', 'audit', 'keep_audit'),
    },
  },
} satisfies Record<string, OtherKeys>;
