/** What callers see, and where. */
import { isIPv4 } from 'node:net';
import { suggestion } from './closest.ts';
import type { ServeConfig } from './config.ts';
import { valueOf, type Declarations, type Declared } from './declarations.ts';
import type { Problems } from './problem.ts';
import type { FileEntry } from './schema.ts';

const defaultHttp = { host: '127.0.0.1', port: 8080 };

export function resolveServe(
  main: Declared<FileEntry>,
  { agents, broken }: Declarations,
  problems: Problems,
): ServeConfig {
  const { expose, http } = main.value.serve ?? {};
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
  if (http?.host !== undefined && !isLoopback(http.host)) {
    problems.error(
      'E_NOT_BUILT',
      valueOf(main, 'serve', 'http', 'host'),
      'serving beyond this machine needs serve.auth, which is not built yet',
      {
        help: 'listen on 127.0.0.1, and put a proxy that signs callers in before it',
      },
    );
  }
  return {
    expose: [...new Set(expose ?? agents.keys())],
    ...(http === undefined
      ? {}
      : { http: { host: http.host ?? defaultHttp.host, port: http.port ?? defaultHttp.port } }),
  };
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
