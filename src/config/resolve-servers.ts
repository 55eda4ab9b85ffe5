/** Turns entries of `mcpServers` into servers to start or to reach. */
import { resolve } from 'node:path';
import type { ServerConfig, ToolRule } from './config.ts';
import { isWritten, keyOf, valueOf, type Declarations, type Declared } from './declarations.ts';
import type { Problems } from './problem.ts';
import { isHost } from './hosts.ts';
import { isHttpUrl } from './resolve-models.ts';
import { refuseHeaders } from './refuse-headers.ts';
import type { ServerEntry } from './schema.ts';
import { compileGlob, globFault } from './tool-globs.ts';

const defaultHardTimeout = 600_000;
/** What agents see is `server__tool`, so that a server's name holds no `__`, nor an underscore at its end. */
const serverName = /^(?!.*__)[a-zA-Z0-9-](?:[a-zA-Z0-9_-]{0,46}[a-zA-Z0-9-])?$/;
const toolName = /^[a-zA-Z0-9_-]{1,64}$/;

export function resolveServers({ servers }: Declarations, root: string, problems: Problems): ServerConfig[] {
  return [...servers].flatMap(([name, declared]) => {
    if (!serverName.test(name)) {
      problems.error('E_NAME', keyOf(declared), `${JSON.stringify(name)} cannot be a server's name`, {
        help: 'use up to 48 letters, digits, "-" and single "_" inside: agents see its tools as NAME__TOOL',
      });
    }
    const server = readServer(name, declared, root, problems);
    return server === undefined ? [] : [server];
  });
}

function readServer(
  name: string,
  declared: Declared<ServerEntry>,
  root: string,
  problems: Problems,
): ServerConfig | undefined {
  const entry = declared.value;
  const common = {
    name,
    trustsAnnotations: entry.trust === 'annotations',
    ...readBounds(entry),
    deputy: entry.deputy === true,
    ...(entry.protocol !== undefined && { protocol: entry.protocol }),
    // What its agents ask is what agents of ours would ask.
    asks: entry.asks === true || entry.deputy === true,
    urlHosts: readUrlHosts(name, declared, problems),
    sampling: entry.sampling === true,
    tools: readTools(name, declared, problems),
  };
  const has = (key: keyof ServerEntry) => isWritten(declared, key);
  const isHttp = has('url') || entry.type === 'http' || entry.type === 'streamable-http';
  if (has('url') && has('command')) {
    problems.error('E_VALUE', keyOf(declared, 'command'), `mcpServers.${name} has a command and a url`, {
      help: 'keep one: a command is started here, a url is somewhere else',
    });
    return undefined;
  }
  for (const key of isHttp ? (['command', 'args', 'env', 'cwd'] as const) : (['headers', 'auth'] as const)) {
    if (!has(key)) continue;
    problems.error(
      'E_VALUE',
      keyOf(declared, key),
      `mcpServers.${name}.${key} belongs to ${isHttp ? 'stdio servers (command)' : 'HTTP servers (url)'}`,
      { help: 'remove it' },
    );
  }
  if (entry.deputy === true && entry.asks === false) {
    problems.error(
      'E_VALUE',
      valueOf(declared, 'asks'),
      `mcpServers.${name} is a Deputy, so its agents may ask people`,
      {
        help: 'remove the key, or remove `deputy: true` where they may not: then it is a server like any other',
      },
    );
  }
  if (entry.type === 'stdio' && isHttp) {
    problems.error('E_VALUE', valueOf(declared, 'type'), `mcpServers.${name} has a url, so its type is http`, {
      help: 'remove the key',
    });
  }
  return isHttp
    ? readHttp(common, declared, has('url'), problems)
    : readStdio(common, declared, root, has('command'), problems);
}

type Common = Pick<
  ServerConfig,
  | 'name'
  | 'trustsAnnotations'
  | 'tools'
  | 'idleTimeout'
  | 'hardTimeout'
  | 'concurrency'
  | 'deputy'
  | 'protocol'
  | 'asks'
  | 'urlHosts'
  | 'sampling'
>;

function readStdio(
  common: Common,
  declared: Declared<ServerEntry>,
  root: string,
  isGiven: boolean,
  problems: Problems,
): ServerConfig | undefined {
  const { command, args = [], env = {}, cwd } = declared.value;
  if (command === undefined || command.trim() === '') {
    if (command !== undefined || !isGiven) {
      problems.error(
        'E_MISSING',
        command === undefined ? keyOf(declared) : valueOf(declared, 'command'),
        `mcpServers.${common.name} needs a command or a url`,
      );
    }
    return undefined;
  }
  if (/^[^/\\\s]+\s/.test(command)) {
    const [program, ...rest] = command.split(/\s+/);
    problems.error(
      'E_VALUE',
      valueOf(declared, 'command'),
      `mcpServers.${common.name}.command is one program, without its arguments`,
      {
        help: `write command: ${program} and args: ${JSON.stringify(rest)}`,
      },
    );
  }
  return { ...common, kind: 'stdio', command, args, env, cwd: resolve(root, cwd ?? '.') };
}

function readHttp(
  common: Common,
  declared: Declared<ServerEntry>,
  isGiven: boolean,
  problems: Problems,
): ServerConfig | undefined {
  const { url, headers = {}, auth } = declared.value;
  if (url === undefined) {
    if (!isGiven) problems.error('E_MISSING', keyOf(declared), `mcpServers.${common.name} needs a url`);
    return undefined;
  }
  if (!isHttpUrl(url)) {
    problems.error(
      'E_VALUE',
      valueOf(declared, 'url'),
      `mcpServers.${common.name}.url must begin with http:// or https://`,
    );
    return undefined;
  }
  if (new URL(url).username !== '') {
    problems.error('E_VALUE', valueOf(declared, 'url'), `mcpServers.${common.name}.url holds a name and password`, {
      help: 'write auth: { bearer: "${env:TOKEN}" } or headers',
    });
  }
  const names = Object.keys(headers).map((header) => header.toLowerCase());
  if (auth !== undefined && names.includes('authorization')) {
    problems.error(
      'E_VALUE',
      keyOf(declared, 'auth'),
      `mcpServers.${common.name} has an Authorization header and auth`,
      { help: 'keep one of them' },
    );
  }
  refuseHeaders(declared, problems);
  const signed = auth === undefined ? headers : { ...headers, Authorization: `Bearer ${auth.bearer.trim()}` };
  return { ...common, kind: 'http', url, headers: signed };
}

function readBounds({
  concurrency,
  timeout,
}: ServerEntry): Pick<Common, 'idleTimeout' | 'hardTimeout' | 'concurrency'> {
  const { idle, total } = typeof timeout === 'number' ? { idle: timeout } : (timeout ?? {});
  // A call that may be silent for an hour may also take an hour.
  const hard = total ?? (idle !== undefined && idle > defaultHardTimeout ? idle : undefined);
  return {
    ...(idle === undefined ? {} : { idleTimeout: idle }),
    ...(hard === undefined ? {} : { hardTimeout: hard }),
    ...(concurrency === undefined ? {} : { concurrency }),
  };
}

function readUrlHosts(name: string, declared: Declared<ServerEntry>, problems: Problems): string[] {
  const { asks, deputy, url_hosts: hosts = [] } = declared.value;
  if (hosts.length > 0 && asks !== true && deputy !== true) {
    problems.error(
      'E_VALUE',
      keyOf(declared, 'url_hosts'),
      `mcpServers.${name}.url_hosts is about questions, and ${name} may put none`,
      { help: 'add asks: true, or remove it' },
    );
  }
  for (const [index, host] of hosts.entries()) {
    if (isHost(host)) continue;
    problems.error(
      'E_VALUE',
      valueOf(declared, 'url_hosts', index),
      `${JSON.stringify(host.slice(0, 60))} is no host`,
      {
        help: 'write a name as it stands in a URL: login.example, or login.example:8443',
      },
    );
  }
  return hosts.map((host) => host.toLowerCase());
}

function readTools(server: string, declared: Declared<ServerEntry>, problems: Problems): ToolRule[] {
  const renamed = new Map<string, string>();
  return Object.entries(declared.value.tools ?? {}).map(([pattern, { effect, rename }]) => {
    const place = () => valueOf(declared, 'tools', pattern, 'rename');
    if (pattern.startsWith(`${server}/`)) {
      problems.error(
        'E_VALUE',
        keyOf(declared, 'tools', pattern),
        `${JSON.stringify(pattern)} names its server again`,
        { help: `write ${pattern.slice(server.length + 1)}` },
      );
    }
    const key = typeof effect === 'object' ? effect.keyed : undefined;
    if (key !== undefined && /^(args|arguments|_meta)[./]./.test(key)) {
      problems.error(
        'E_VALUE',
        valueOf(declared, 'tools', pattern, 'effect', 'keyed'),
        `${JSON.stringify(key)} is a path, not a name`,
        {
          help: `write ${key.replace(/^\w+[./]/, '')}: the argument of that name holds the key, else the \`_meta\` key`,
        },
      );
    }
    const fault = globFault(`${server}/${pattern}`);
    if (fault !== undefined)
      problems.error('E_VALUE', keyOf(declared, 'tools', pattern), `${JSON.stringify(pattern)} ${fault}`);
    if (rename !== undefined) {
      const first = renamed.get(rename);
      if (!toolName.test(rename))
        problems.error('E_NAME', place(), `${JSON.stringify(rename)} cannot be a tool's name`, {
          help: 'use up to 64 letters, digits, "_" and "-"',
        });
      else if (/[*?{}]/.test(pattern))
        problems.error('E_VALUE', place(), `a rename is for one tool, and ${JSON.stringify(pattern)} may match many`);
      else if (first !== undefined)
        problems.error(
          'E_DUPLICATE',
          place(),
          `${JSON.stringify(first)} and ${JSON.stringify(pattern)} are both renamed to "${rename}"`,
        );
      renamed.set(rename, pattern);
    }
    return {
      pattern,
      matches: compileGlob(pattern),
      ...(effect === undefined ? {} : typeof effect === 'string' ? { effect } : { effect: 'keyed', key: effect.keyed }),
      ...(rename === undefined ? {} : { rename }),
    };
  });
}
