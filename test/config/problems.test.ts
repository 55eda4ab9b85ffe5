import { expect, test } from 'vitest';
import { formatProblems } from '../../src/config/format-problems.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { folderWith, minimal, refused } from './fixture.ts';

const twelve = `version: 1
models:
  careful: { model: anthropic/claude-opus-5-5, thinkin: high }
  quick: { model: antropic/claude-haiku-5-5 }
mcpServers:
  files:
    command: npx -y @modelcontextprotocol/server-filesystem
    tools:
      read_*: { effect: reads }
agents:
  triage:
    description: Sorts what comes in.
    model: carefull
    instructons: Sort it.
    tools: [file/read_*]
    agents: [fixr]
    limits: { turns: many, time: 20 minutes }
  fixer:
    model: quick
    permissions: { ask: [{ tool: files/write, when: arg.size > 5 }] }
`;

test('twelve mistakes come at once, sorted, each with its place, frame and mend', async () => {
  const cwd = await folderWith({ 'agents.yaml': twelve });
  const loaded = await loadConfig({ cwd, env: { ANTHROPIC_API_KEY: 'x' } });
  if (loaded.ok) throw new Error('accepted');
  expect(`\n${formatProblems(loaded.problems, { color: false })}`).toMatchInlineSnapshot(`
    "
    agents.yaml:3:48 error E_UNKNOWN_KEY unknown key "thinkin" in models.careful
    3 |   careful: { model: anthropic/claude-opus-5-5, thinkin: high }
      |                                                ^^^^^^^
    help: did you mean "thinking"?

    agents.yaml:4:19 error E_REFERENCE unknown provider "antropic"
    4 |   quick: { model: antropic/claude-haiku-5-5 }
      |                   ^^^^^^^^^^^^^^^^^^^^^^^^^
    help: did you mean "anthropic"?

    agents.yaml:7:14 error E_VALUE mcpServers.files.command is one program, without its arguments
    7 |     command: npx -y @modelcontextprotocol/server-filesystem
      |              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    help: write command: npx and args: ["-y","@modelcontextprotocol/server-filesystem"]

    agents.yaml:9:25 error E_VALUE mcpServers.files.tools.read_*.effect must be one of read, idempotent, unsafe, or { keyed: NAME }
    9 |       read_*: { effect: reads }
      |                         ^^^^^
    help: did you mean "read"?

    agents.yaml:13:12 error E_REFERENCE unknown model "carefull"
    13 |     model: carefull
       |            ^^^^^^^^
    help: did you mean "careful"?

    agents.yaml:14:5 error E_UNKNOWN_KEY unknown key "instructons" in agents.triage
    14 |     instructons: Sort it.
       |     ^^^^^^^^^^^
    help: did you mean "instructions"?

    agents.yaml:15:13 error E_REFERENCE "file/read_*" in agents.triage.tools matches no declared server
    15 |     tools: [file/read_*]
       |             ^^^^^^^^^^^
    help: did you mean "files/read_*"?

    agents.yaml:16:14 error E_REFERENCE unknown agent "fixr" in agents.triage.agents
    16 |     agents: [fixr]
       |              ^^^^
    help: did you mean "fixer"?

    agents.yaml:17:22 error E_VALUE agents.triage.limits.turns must be a whole number from 1 to 10000
    17 |     limits: { turns: many, time: 20 minutes }
       |                      ^^^^

    agents.yaml:17:34 error E_VALUE agents.triage.limits.time must be a duration like 90s, 20m, 4h or 1h30m, not "20 minutes"
    17 |     limits: { turns: many, time: 20 minutes }
       |                                  ^^^^^^^^^^

    agents.yaml:18:3 error E_MISSING agents.fixer needs the key "description"
    18 |   fixer:
       |   ^^^^^
    help: say what callers can use it for: it is all that they see

    agents.yaml:20:53 error E_CONDITION the condition in agents.fixer.permissions.ask is no condition: Unknown variable: arg
    20 |     permissions: { ask: [{ tool: files/write, when: arg.size > 5 }] }
       |                                                     ^^^
    help: did you mean "args"?
    "
  `);
  expect(loaded.problems).toHaveLength(12);
});

const shown = async (text: string | Record<string, string>, env: Record<string, string> = {}) => {
  const cwd = await folderWith({ 'reply.yaml': '', ...(typeof text === 'string' ? { 'agents.yaml': text } : text) });
  const loaded = await loadConfig({ cwd, env });
  if (loaded.ok) throw new Error('accepted');
  return loaded.problems;
};

test('the caret stands under the exact text behind tabs, wide characters and emoji', async () => {
  const problems = await shown(minimal("    input: { title: 漢字, \t'👩‍👩‍👧': 1, type: objekt }\n"));
  expect(`\n${formatProblems(problems, { color: false })}`).toMatchInlineSnapshot(`
    "
    agents.yaml:6:47 error E_SCHEMA agents.a.input must be a JSON Schema with type: object
    6 |     input: { title: 漢字, 	'👩‍👩‍👧': 1, type: objekt }
      |                           	               ^^^^^^
    help: MCP tools take and give objects
    "
  `);
});

test('a long line is cut around the mark', async () => {
  const problems = await shown(minimal(`    tools: ["${'files/read_file", "'.repeat(30)}oops"]\n`));
  const last = formatProblems(problems, { color: false, width: 60 }).split('\n\n').at(-1) ?? '';
  expect(last).toMatchInlineSnapshot(`
    "agents.yaml:6:583 error E_VALUE "oops" in agents.a.tools names no server
    6 | …le", "files/read_file", "oops"]
      |                          ^^^^^^
    help: write server/tool, for example files/read_*
    "
  `);
  const [, line = '', carets = ''] = last.split('\n');
  expect(line.slice(carets.indexOf('^'), carets.lastIndexOf('^') + 1)).toBe('"oops"');
});

test('control characters and hidden directions of a file reach no terminal', async () => {
  const problems = await shown(minimal('    "instr\u202ectons\\u001b[2J": x # \u200b\n'));
  const text = formatProblems(problems, { color: false });
  expect(text).not.toMatch(/(?!\n)[\p{Cc}\p{Bidi_Control}\u200b]/u);
  expect(text).toContain('E_UNKNOWN_KEY');
});

test('colour is only there where it is asked for', async () => {
  const problems = await shown('version: 2\n');
  expect(formatProblems(problems, { color: true })).toContain('\u001b[31merror');
  expect(formatProblems(problems, { color: false })).not.toContain('\u001b');
});

test('ranges count lines and columns from 1, in UTF-16 units, the end exclusive', async () => {
  const [problem] = await shown(minimal('    "😀": 1\n'));
  expect(problem).toMatchObject({ line: 6, col: 5, range: { start: { line: 6, col: 5 }, end: { line: 6, col: 9 } } });
});

test('a missing key points at the key that should hold it', async () => {
  expect(await refused('version: 1\nmodel: scripted/reply.yaml\nagents:\n  a:\n    tools: []\n')).toEqual([
    'E_MISSING agents.yaml:4:3 agents.a needs the key "description"',
  ]);
  expect(await refused('version: 1\nmodels:\n  m:\n    price: { input: 1 }\nagents: {}\n')).toEqual([
    'E_MISSING agents.yaml:3:3 models.m needs the key "model"',
    'E_MISSING agents.yaml:4:5 models.m.price needs the key "output"',
  ]);
});

test.each([
  ['instruction: x', 'unknown key "instruction" in agents.a'],
  ['system_prompt: x', 'unknown key "system_prompt" in agents.a'],
  ['sub_agents: [x]', 'unknown key "sub_agents" in agents.a'],
  ['max_iterations: 3', 'unknown key "max_iterations" in agents.a'],
  ['toolsets: []', 'unknown key "toolsets" in agents.a'],
])('%s is answered with our own key', async (line, message) => {
  expect(await refused(minimal(`    ${line}\n`))).toEqual([`E_FOREIGN_KEY agents.yaml:6:5 ${message}`]);
});

test.each([
  ['', 'telemetry: {}', 'telemetry is not built yet', 1],
  ['', 'console: {}', 'console is not built yet', 1],
  ['', 'serve: { tls: {} }', 'serve.tls is not built yet', 10],
  ['', 'serve: { http: { tls: [] } }', 'serve.http.tls is not built yet', 18],
  ['', 'mcpServers: { s: { url: "http://x/", auth: oauth } }', 'mcpServers.s.auth "oauth" is not built yet', 44],
  [
    '',
    'mcpServers: { s: { url: "http://x/", auth: { bearer: x, client_id: y } } }',
    'mcpServers.s.auth.client_id is not built yet',
    57,
  ],
  ['', 'mcpServers: { s: { url: "http://x/", sandbox: true } }', 'mcpServers.s.sandbox is not built yet', 38],
  ['', 'mcpServers: { s: { url: "http://x/", type: sse } }', 'mcpServers.s.type "sse" is not built yet', 44],
  [
    '',
    'mcpServers: { s: { command: x, tools: { t: { verify: { tool: u } } } } }',
    'mcpServers.s.tools.t.verify is not built yet',
    46,
  ],
  ['', 'models: { m: { model: anthropic/x, timeout: 3s } }', 'models.m.timeout is not built yet', 36],
])('%s%s is refused by name', async (indent, line, message, col) => {
  expect(await refused(minimal(`${indent}${line}\n`))).toEqual([`E_NOT_BUILT agents.yaml:6:${col} ${message}`]);
});

test.each([
  ['postgres: x', '20 store.postgres is no URL of a database'],
  ['postgres: "postgres://h/d", sqlite: ./f.db', '20 store names two places'],
])('store: { %s } is refused', async (store, message) => {
  expect(await refused(minimal(`store: { ${store} }\n`))).toEqual([`E_VALUE agents.yaml:6:${message}`]);
});

test('a store may be a database, named by the environment', async () => {
  const text = minimal('store: { postgres: "${env:DATABASE_URL}", keep: 1d }\n');
  const cwd = await folderWith({ 'reply.yaml': '', 'agents.yaml': text });
  const loaded = await loadConfig({ cwd, env: { DATABASE_URL: 'postgresql://ann:pw@db/tasks' } });
  expect(loaded).toMatchObject({ config: { store: { postgres: 'postgresql://ann:pw@db/tasks', keep: 86_400_000 } } });
  expect(JSON.stringify(loaded.ok && loaded.config.snapshot)).not.toContain('pw@');
});

test('numbers and truth where text is wanted are refused with the mend', async () => {
  const [problem] = await shown(minimal('mcpServers:\n  s: { command: x, env: { PORT: 8080 } }\n'));
  expect(problem).toMatchObject({
    code: 'E_TYPE',
    message: 'mcpServers.s.env.PORT must be text, not a number',
    help: 'put it in quotes: "8080"',
  });
});
