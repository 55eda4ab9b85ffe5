/** What callers see, where, and who they are. */
import { isIP } from 'node:net';
import { suggestion } from './closest.ts';
import type { ServeConfig } from './config.ts';
import { valueOf, type Declarations, type Declared } from './declarations.ts';
import type { Problems } from './problem.ts';
import { isHost, isLoopback } from './hosts.ts';
import { resolveServeAuth } from './resolve-serve-auth.ts';
import { resolveWebhooks } from './resolve-webhooks.ts';
import type { FileEntry } from './schema.ts';
import type { OwnerLimitsEntry } from './schema-serve.ts';

const defaultHttp = { host: '127.0.0.1', port: 8080 };
const defaultLimits = { openTasks: 100, startsPerSecond: 20 };

export function resolveServe(
  main: Declared<FileEntry>,
  { agents, broken }: Declarations,
  problems: Problems,
): ServeConfig {
  const { expose, http, limits, wait, abandon_after: abandonAfter } = main.value.serve ?? {};
  for (const [index, name] of (expose ?? []).entries()) {
    if (agents.has(name) || broken.has(`agents.${name}`)) continue;
    problems.error(
      'E_REFERENCE',
      valueOf(main, 'serve', 'expose', index),
      `unknown agent ${JSON.stringify(name)} in serve.expose`,
      {
        help: suggestion(name, [...agents.keys()], 'declared agents'),
      },
    );
  }
  const auth = resolveServeAuth(main, problems);
  const hosts = hostsOf(main, auth?.audience, problems);
  if (http?.host !== undefined && !isLoopback(http.host) && main.value.serve?.auth === undefined) {
    problems.error(
      'E_VALUE',
      valueOf(main, 'serve', 'http', 'host'),
      'serving beyond this machine needs serve.auth, which says who may call',
      {
        help: 'add auth: { keys: { alice: "${env:ALICE_KEY}" } } or auth: { issuer: ..., audience: ... }, or listen on 127.0.0.1',
      },
    );
  }
  return {
    expose: [...new Set(expose ?? agents.keys())],
    ...(http !== undefined && { http: { host: http.host ?? defaultHttp.host, port: http.port ?? defaultHttp.port } }),
    hosts,
    ...(auth !== undefined && { auth }),
    webhooks: resolveWebhooks(main, problems),
    ...(limits?.tasks_at_work !== undefined && { tasksAtWork: limits.tasks_at_work }),
    ...readLimits(limits ?? {}, auth !== undefined),
    ...(abandonAfter !== undefined && { abandonAfter }),
    ...(wait !== undefined && { wait }),
  };
}

/** Who writes one of the two that are about the zeal of strangers, or lets strangers in, gets both. */
function readLimits(
  { working_tasks: working, open_tasks: open, starts_per_second: starts }: OwnerLimitsEntry,
  hasAuth: boolean,
): Pick<ServeConfig, 'limits'> {
  const isBounded = hasAuth || open !== undefined || starts !== undefined;
  if (!isBounded && working === undefined) return {};
  return {
    limits: {
      ...(working !== undefined && { workingTasks: working }),
      ...(isBounded && {
        openTasks: open ?? defaultLimits.openTasks,
        startsPerSecond: starts ?? defaultLimits.startsPerSecond,
      }),
    },
  };
}

/** Under which names callers may address this server: what is written, the audience's, and the address itself. */
function hostsOf(main: Declared<FileEntry>, audience: string | undefined, problems: Problems): string[] {
  const { host, allowed_hosts: written = [] } = main.value.serve?.http ?? {};
  for (const [index, name] of written.entries()) {
    if (isHost(name)) continue;
    problems.error(
      'E_VALUE',
      valueOf(main, 'serve', 'http', 'allowed_hosts', index),
      `${JSON.stringify(name.slice(0, 60))} is no host`,
      { help: 'write a name as it stands in a URL: agents.example, or agents.example:8443' },
    );
  }
  const named = URL.parse(audience ?? '')?.host ?? '';
  const own = host === undefined || isLoopback(host) || isAny(host) ? '' : isIP(host) === 6 ? `[${host}]` : host;
  return [...new Set([...written, named, own])].filter((name) => name !== '');
}

const isAny = (host: string): boolean => host === '0.0.0.0' || host === '::';
