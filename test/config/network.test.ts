import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { explainPermissions } from '../../src/config/explain-permissions.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { accepted, folderWith, inShort, minimal, refused } from './fixture.ts';

describe('where agents.yaml is', () => {
  const found = async (files: string[], at: string, given: { file?: string; env?: Record<string, string> } = {}) => {
    const root = await folderWith(Object.fromEntries([['reply.yaml', ''], ...files.map((file) => [file, minimal()])]));
    await mkdir(join(root, at), { recursive: true });
    const env = Object.fromEntries(Object.entries(given.env ?? {}).map(([name, value]) => [name, join(root, value)]));
    const loaded = await loadConfig({ cwd: join(root, at), env, file: given.file });
    const file = loaded.ok ? loaded.config.file : loaded.problems[0]?.file;
    return loaded.ok || loaded.problems[0]?.code !== 'E_NO_CONFIG' ? file?.replace(`${root}/`, '') : loaded.problems[0];
  };

  test('upwards from where one stands, .yaml before .yml', async () => {
    expect(await found(['agents.yaml'], 'x/y')).toContain('agents.yaml');
    expect(await found(['agents.yml'], '.')).toBe('agents.yml');
    expect(await found(['agents.yml', 'agents.yaml'], '.')).toBe('agents.yaml');
  });

  test('what is named comes first: --config, then $DEPUTY_CONFIG', async () => {
    expect(
      await found(['agents.yaml', 'other.yaml', 'third.yaml'], '.', {
        file: 'other.yaml',
        env: { DEPUTY_CONFIG: 'third.yaml' },
      }),
    ).toBe('other.yaml');
    expect(await found(['agents.yaml', 'third.yaml'], '.', { env: { DEPUTY_CONFIG: 'third.yaml' } })).toBe(
      'third.yaml',
    );
    expect(await found(['sub/agents.yaml'], '.', { file: 'sub' })).toContain('sub/agents.yaml');
  });

  test('nowhere is a problem with a mend', async () => {
    expect(await found([], '.')).toMatchObject({ code: 'E_NO_CONFIG', help: 'make one: deputy init', line: 0 });
    expect(await found([], '.', { file: 'gone.yaml' })).toMatchObject({
      code: 'E_NO_CONFIG',
      file: 'gone.yaml',
      message: 'the file that --config names does not exist',
      help: expect.stringContaining('deputy init'),
    });
  });
});

describe('servers', () => {
  test('ask, lead to pages and use the model only where they may', async () => {
    const { config } = await accepted(
      minimal(`mcpServers:
  quiet: { command: x }
  loud: { url: "https://x.example/", asks: true, url_hosts: [Login.example, "id.example:8443"], sampling: true }
`),
    );
    expect(config.servers).toMatchObject([
      { name: 'quiet', asks: false, urlHosts: [], sampling: false },
      { name: 'loud', asks: true, urlHosts: ['login.example', 'id.example:8443'], sampling: true },
    ]);
    expect(await refused(minimal('mcpServers: { s: { command: x, url_hosts: [a.example] } }\n'))).toEqual([
      'E_VALUE agents.yaml:6:32 mcpServers.s.url_hosts is about questions, and s may put none',
    ]);
    expect(
      await refused(minimal('mcpServers: { s: { command: x, asks: true, url_hosts: ["https://a.example/", "*"] } }\n')),
    ).toEqual(['E_VALUE agents.yaml:6:56 "https://a.example/" is no host', 'E_VALUE agents.yaml:6:78 "*" is no host']);
  });

  test('another Deputy is told apart by the word of the operator, and its agents may ask', async () => {
    const { config } = await accepted(
      minimal(`mcpServers:
  lab: { url: "https://lab.example/mcp", deputy: true, protocol: 2025-11-25, url_hosts: [id.example] }
  old: { command: x, deputy: true, asks: true, protocol: "2026-07-28" }
  none: { command: x, deputy: false, asks: false }
`),
    );
    expect(config.servers).toMatchObject([
      { name: 'lab', deputy: true, asks: true, protocol: '2025-11-25', urlHosts: ['id.example'] },
      { name: 'old', deputy: true, asks: true, protocol: '2026-07-28' },
      { name: 'none', deputy: false, asks: false },
    ]);
    expect(config.servers[2]).not.toHaveProperty('protocol');
    const agent = await accepted(
      minimal(
        'mcpServers: { lab: { command: x, deputy: true, tools: { look: { effect: read } } } }\n',
        '    tools: [lab/*]\n',
      ),
    );
    expect(explainPermissions(agent.config, 'a', 'lab/payer').effect).toBe('keyed');
    expect(explainPermissions(agent.config, 'a', 'lab/look').effect).toBe('read');
    expect(await refused(minimal('mcpServers: { s: { command: x, deputy: true, asks: false } }\n'))).toEqual([
      'E_VALUE agents.yaml:6:52 mcpServers.s is a Deputy, so its agents may ask people',
    ]);
    expect(await refused(minimal('mcpServers: { s: { command: x, protocol: 2024-11-05 } }\n'))).toEqual([
      'E_VALUE agents.yaml:6:42 mcpServers.s.protocol must be one of 2025-11-25, 2026-07-28',
    ]);
    expect(await refused(minimal('mcpServers: { s: { command: x, protocolVersion: 2025-11-25 } }\n'))).toEqual([
      'E_FOREIGN_KEY agents.yaml:6:32 unknown key "protocolVersion" in mcpServers.s',
    ]);
  });

  test('a keyed tool says where its key goes', async () => {
    const tools = (effect: string): string =>
      minimal(`mcpServers: { s: { command: x, tools: { t: { effect: ${effect} } } } }\n`);
    const { config } = await accepted(tools('{ keyed: request_id }'));
    expect(config.servers[0]?.tools).toMatchObject([{ pattern: 't', effect: 'keyed', key: 'request_id' }]);
    expect(await refused(tools('keyed'))).toEqual([
      'E_VALUE agents.yaml:6:54 mcpServers.s.tools.t.effect must be one of read, idempotent, unsafe, or { keyed: NAME }',
    ]);
    expect(await refused(tools('{ keyed: args.id }'))).toEqual([
      'E_VALUE agents.yaml:6:63 "args.id" is a path, not a name',
    ]);
    expect(await refused(tools('{ key: id }'))).toEqual([
      'E_MISSING agents.yaml:6:46 mcpServers.s.tools.t.effect needs the key "keyed"',
      'E_FOREIGN_KEY agents.yaml:6:56 unknown key "key" in mcpServers.s.tools.t.effect',
    ]);
  });

  test('entries of a .mcp.json can be pasted in', async () => {
    const { config } = await accepted(
      minimal(`mcpServers:
  {
    "files": { "type": "stdio", "command": "npx", "args": ["-y", "pkg"], "env": { "A": "b" } },
    "remote": { "type": "http", "url": "https://x.example/mcp", "headers": { "X-A": "b" } },
    "third": { "type": "streamable-http", "url": "http://127.0.0.1:1/mcp" }
  }
`),
    );
    expect(config.servers).toMatchObject([
      { name: 'files', kind: 'stdio', command: 'npx', args: ['-y', 'pkg'], env: { A: 'b' }, cwd: config.root },
      { name: 'remote', kind: 'http', url: 'https://x.example/mcp', headers: { 'X-A': 'b' } },
      { name: 'third', kind: 'http' },
    ]);
  });

  test('bounds, trust, tokens and tool rules are what they say', async () => {
    const { config } = await accepted(
      minimal(`mcpServers:
  s:
    url: https://x.example/mcp
    auth: { bearer: "\${T}" }
    trust: annotations
    concurrency: 2
    timeout: 30m
    tools:
      read_file: { effect: read, rename: peek }
      read_*: { effect: idempotent }
  t: { command: x, cwd: sub, timeout: { idle: 5s, total: 1m } }
`),
      { env: { T: 'secret' } },
    );
    const [s, t] = config.servers;
    expect(s).toMatchObject({
      headers: { Authorization: 'Bearer secret' },
      trustsAnnotations: true,
      concurrency: 2,
      idleTimeout: 1_800_000,
      hardTimeout: 1_800_000,
      tools: [{ pattern: 'read_file', effect: 'read', rename: 'peek' }, { effect: 'idempotent' }],
    });
    expect(
      s?.tools.map((rule) => [rule.matches('read_file'), rule.matches('read_dir'), rule.matches('write')]),
    ).toEqual([
      [true, false, false],
      [true, true, false],
    ]);
    expect(t).toMatchObject({
      cwd: join(config.root, 'sub'),
      idleTimeout: 5000,
      hardTimeout: 60_000,
      trustsAnnotations: false,
    });
  });

  test.each([
    ['{}', 'E_MISSING agents.yaml:7:3 mcpServers.s needs a command or a url'],
    ['{ type: http }', 'E_MISSING agents.yaml:7:3 mcpServers.s needs a url'],
    ['{ command: "" }', 'E_MISSING agents.yaml:7:17 mcpServers.s needs a command or a url'],
    ['{ command: x, url: "http://x" }', 'E_VALUE agents.yaml:7:8 mcpServers.s has a command and a url'],
    ['{ command: npx -y pkg }', 'E_VALUE agents.yaml:7:17 mcpServers.s.command is one program, without its arguments'],
    [
      '{ command: x, headers: { A: b } }',
      'E_VALUE agents.yaml:7:20 mcpServers.s.headers belongs to HTTP servers (url)',
    ],
    ['{ url: "http://x", args: [] }', 'E_VALUE agents.yaml:7:25 mcpServers.s.args belongs to stdio servers (command)'],
    ['{ url: "http://me:pw@x/" }', 'E_VALUE agents.yaml:7:13 mcpServers.s.url holds a name and password'],
    ['{ url: "file:///x" }', 'E_VALUE agents.yaml:7:13 mcpServers.s.url must begin with http:// or https://'],
    ['{ url: "http://x", headers: { "A B": c } }', 'E_VALUE agents.yaml:7:36 "A B" is no header that can be sent'],
    [
      '{ command: x, timeout: 5 }',
      'E_VALUE agents.yaml:7:29 mcpServers.s.timeout must say its unit: "5s" for seconds, "5ms", "5m"',
    ],
    [
      '{ command: x, tools: { "a*": { rename: b } } }',
      'E_VALUE agents.yaml:7:45 a rename is for one tool, and "a*" may match many',
    ],
    [
      '{ command: x, tools: { a: { rename: c }, b: { rename: c } } }',
      'E_DUPLICATE agents.yaml:7:60 "a" and "b" are both renamed to "c"',
    ],
    ['{ command: x, tools: { s/a: {} } }', 'E_VALUE agents.yaml:7:29 "s/a" names its server again'],
    ['{ command: x, tools: { a: { rename: "b c" } } }', 'E_NAME agents.yaml:7:42 "b c" cannot be a tool\'s name'],
  ])('%s is refused', async (entry, problem) => {
    expect(await refused(minimal(`mcpServers:\n  s: ${entry}\n`))).toEqual([problem]);
  });

  test.each(['a__b', 'a b', '_a', 'a_', 'ä', ''])('%j cannot be a name', async (name) => {
    expect(await refused(minimal(`mcpServers:\n  ${JSON.stringify(name)}: { command: x }\n`))).toEqual([
      expect.stringMatching(/^E_NAME agents\.yaml:7:3 /),
    ]);
  });
});

describe('agents', () => {
  const servers = 'mcpServers:\n  files: { command: x }\n  github: { command: y }\n';

  test('tool globs match server and tool', async () => {
    const tools = async (list: string) =>
      (await accepted(minimal(servers, `    tools: ${list}\n`))).config.agents[0]?.tools;
    const some = await tools('[files/read_*, "github/{get,list}_*"]');
    expect(some?.servers).toEqual(['files', 'github']);
    expect(['files/read_file', 'github/get_x', 'github/list_y'].map((id) => some?.matches(id))).toEqual([
      true,
      true,
      true,
    ]);
    expect(['files/write', 'github/read_x', 'lab/read_x', 'read_x', ''].map((id) => some?.matches(id))).toEqual(
      Array(5).fill(false),
    );
    const all = await tools('["*/*"]');
    expect([all?.servers, all?.matches('files/a/b.c')]).toEqual([['files', 'github'], true]);
    expect((await tools('[]'))?.servers).toEqual([]);
  });

  test.each([
    ['github', '"github" in agents.a.tools names no server'],
    ['a', '"a" in agents.a.tools names no server'],
    ['mcp__files__read', '"mcp__files__read" in agents.a.tools names no server'],
    ['files/', '"files/" in agents.a.tools lacks one side'],
    ['files/!(x)', '"files/!(x)" in agents.a.tools may hold *, ? and {a,b} besides names, nothing else'],
  ])('%s is no glob', async (glob, message) => {
    expect(await refused(minimal(servers, `    tools: ["${glob}"]\n`))).toEqual([
      `E_VALUE agents.yaml:6:13 ${message}`,
    ]);
  });

  test('a glob that matches no server is refused', async () => {
    expect(await refused(minimal(servers, '    tools: ["lab*/x"]\n'))).toEqual([
      'E_REFERENCE agents.yaml:6:13 "lab*/x" in agents.a.tools matches no declared server',
    ]);
  });

  const ring = (limits: string) =>
    `version: 1\nmodel: scripted/reply.yaml\nagents:\n  a: { description: A, agents: [b] }\n  b: { description: B, agents: [c], ${limits} }\n  c: { description: C, agents: [a, d] }\n  d: { description: D }\n`;

  test('agents may call each other in a circle only with a depth', async () => {
    expect(await refused(ring(''))).toEqual([
      'E_CYCLE agents.yaml:6:33 agents call each other in a circle: a -> b -> c -> a',
    ]);
    await accepted(ring('limits: { depth: 3 }'));
    expect(await refused(minimal('', '    agents: [a]\n'))).toEqual([
      'E_CYCLE agents.yaml:6:14 agents call each other in a circle: a -> a',
    ]);
  });

  test.each([
    ['task_get', "is the name of a tool of Deputy's own"],
    ['files__read', 'could be taken for a tool of the server "files"'],
    ['"a b"', "cannot be an agent's name"],
    ['ä', "cannot be an agent's name"],
  ])('%s %s', async (name, why) => {
    expect(await refused(minimal(`  ${name}: { description: X }\n${servers}`))).toEqual([
      `E_NAME agents.yaml:6:3 "${name.replaceAll('"', '')}" ${why}`,
    ]);
  });

  test('input and output must be JSON Schemas of objects', async () => {
    expect(await refused(minimal('', '    input: { type: string }\n    output: { properties: {} }\n'))).toEqual([
      'E_SCHEMA agents.yaml:6:20 agents.a.input must be a JSON Schema with type: object',
      'E_SCHEMA agents.yaml:7:5 agents.a.output must be a JSON Schema with type: object',
    ]);
    expect(await refused(minimal('', '    input: { type: object, properties: { n: { type: intger } } }\n'))).toEqual([
      expect.stringMatching(/^E_SCHEMA agents\.yaml:6:53 agents\.a\.input\.properties\.n\.type is no JSON Schema: /),
    ]);
  });

  test('limits and serve come out in their units', async () => {
    const { config } = await accepted(
      minimal(
        'serve: { expose: [a], http: { port: 0 } }\n',
        '    limits: { turns: 30, tool_calls: 9, parallel_tools: 4, depth: 2, tokens: 400k, cost: 2 USD, time: 20m, same_call: 2, on_limit: ask, tasks: 5 }\n',
      ),
    );
    expect(config.agents[0]?.limits).toEqual({
      turns: 30,
      toolCalls: 9,
      parallelTools: 4,
      depth: 2,
      tokens: 400_000,
      cost: 2,
      time: 1_200_000,
      sameCall: 2,
      onLimit: 'ask',
    });
    expect(config.agents[0]?.tasksAtWork).toBe(5);
    expect(config.serve).toEqual({ expose: ['a'], http: { host: '127.0.0.1', port: 0 }, hosts: [], webhooks: [] });
    expect((await accepted(minimal())).config.serve).toEqual({ expose: ['a'], hosts: [], webhooks: [] });
  });

  test('only loopback is served without auth; unknown agents are not exposed', async () => {
    expect(await refused(minimal('serve: { expose: [b], http: { host: 0.0.0.0 } }\n'))).toEqual([
      'E_REFERENCE agents.yaml:6:19 unknown agent "b" in serve.expose',
      'E_VALUE agents.yaml:6:37 serving beyond this machine needs serve.auth, which says who may call',
    ]);
  });
});

describe('include', () => {
  test('brings the models, servers and agents of other files in, each file once', async () => {
    const { config } = await accepted({
      'agents.yaml': `include: [more/one.yaml, more/two.yaml]\n${minimal()}`,
      'more/one.yaml': 'include: two.yaml\nmcpServers: { s: { command: x } }\n',
      'more/two.yaml': 'include: one.yaml\nversion: 1\nagents: { b: { description: B, tools: [s/*] } }\n',
    });
    expect(config.agents.map(({ name }) => name)).toEqual(['a', 'b']);
    expect(config.servers).toMatchObject([{ name: 's', cwd: config.root }]);
  });

  test('a name declared twice shows both places', async () => {
    const cwd = await folderWith({
      'reply.yaml': '',
      'agents.yaml': `include: b.yaml\n${minimal()}`,
      'b.yaml': 'agents:\n  a: { description: A }\n',
    });
    const loaded = await loadConfig({ cwd, env: {} });
    if (loaded.ok) throw new Error('accepted');
    expect(loaded.problems).toMatchObject([
      { code: 'E_DUPLICATE', file: 'b.yaml', line: 2, col: 3, related: [{ file: 'agents.yaml', line: 5, col: 3 }] },
    ]);
  });

  test('what is missing, and what belongs in the main file, is refused in its place', async () => {
    expect(
      await refused({ 'agents.yaml': `include: [gone.yaml, b.yaml]\n${minimal()}`, 'b.yaml': 'serve: {}\nmodel: x\n' }),
    ).toEqual([
      'E_READ agents.yaml:1:11 include "gone.yaml": the file does not exist',
      'E_FOREIGN_KEY b.yaml:1:1 unknown key "serve"',
      'E_FOREIGN_KEY b.yaml:2:1 unknown key "model"',
    ]);
  });
});

test('what is broken in one place is no unknown name in another', async () => {
  const found = await refused({
    'agents.yaml': minimal('mcpServers:\n  s: { command: 1, bogus: 2 }\n', '    tools: [s/*]\n    agents: [b]\n'),
    'agents/b.md': '---\ndescription: "unclosed\n---\n',
  });
  expect(found.map((problem) => problem.split(' ')[0])).not.toContain('E_REFERENCE');
  expect(found.length).toBeGreaterThan(2);
});

test('warnings come with a configuration that works', async () => {
  const { warnings } = await accepted({ 'agents.yaml': minimal(), 'agents/notes.md': 'Just notes.\n' });
  expect(warnings.map(inShort)).toEqual([
    'W_CARD agents/notes.md:1:1 this file has no front matter, so it is no agent',
  ]);
});
