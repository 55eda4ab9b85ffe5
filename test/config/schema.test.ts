import { readFile } from 'node:fs/promises';
import { Ajv } from 'ajv';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { configJsonSchema } from '../../src/config/config-json-schema.ts';
import { isJsonObject, type Json } from '../../src/json.ts';
import { accepted } from './fixture.ts';

test('agents.schema.json is what the schema generates', async () => {
  const committed = await readFile(new URL('../../agents.schema.json', import.meta.url), 'utf8');
  const generated = `${JSON.stringify(configJsonSchema(), undefined, 2)}\n`;
  expect(committed === generated, 'it has drifted: npm run --silent deputy -- schema > agents.schema.json').toBe(true);
});

test('every key explains itself', () => {
  const silent: string[] = [];
  visit(configJsonSchema(), '');
  expect(silent).toEqual([]);

  function visit(schema: Json, path: string): void {
    if (Array.isArray(schema)) schema.forEach((item, index) => visit(item, `${path}/${index}`));
    if (!isJsonObject(schema)) return;
    for (const [key, value] of Object.entries(schema)) {
      if (key === 'properties' && isJsonObject(value)) {
        for (const [name, property] of Object.entries(value)) {
          if (!isJsonObject(property) || typeof property['description'] !== 'string') silent.push(`${path}.${name}`);
        }
      }
      visit(value, `${path}/${key}`);
    }
  }
});

/** The example of the format's documentation, without the keys that are not built yet. */
const example = `# yaml-language-server: $schema=./agents.schema.json
version: 1

models:
  careful: { model: anthropic/claude-opus-5, thinking: high, max_tokens: 8000, fallback: [openai/gpt-6] }
  local:   { model: openai-chat/qwen3, base_url: "http://127.0.0.1:11434/v1", api_key: "\${env:LOCAL_KEY:-none}" }

mcpServers:
  files:
    command: npx
    args: ["@modelcontextprotocol/server-filesystem@2026.8.31", "\${WORKSPACE:-.}"]
    tools:
      read_*: { effect: read }
      write_file: { effect: idempotent }
      append_file: { effect: { keyed: request_id } }
  github:
    url: https://api.githubcopilot.com/mcp/
    auth: { bearer: "\${env:GITHUB_TOKEN}" }
    concurrency: 4
    asks: true
    url_hosts: [github.com]
    sampling: true
  lab:
    url: https://lab.example/mcp
    deputy: true
    protocol: 2026-07-28

agents:
  reviewer:
    description: Reviews a change and reports what it would fix.
    model: careful
    instructions: Read the diff first...
    tools: [files/*, github/*, ask_person]
    agents: [fixer]
    input:  { type: object, properties: { pr: { type: integer } }, required: [pr] }
    output: { type: object, properties: { findings: { type: array, items: { type: string } } } }
    permissions:
      allow: [files/read_*]
      ask:
        - files/write_file
        - { tool: github/merge_*, when: "args.base == 'main'", expires: 4h }
      deny: ["github/delete_*"]
    limits: { turns: 30, parallel_tools: 4, tokens: 400k, cost: 2 USD, time: 20m, on_limit: ask, same_call: 3, agents: 50, tasks: 10 }
    hooks: { after_tool: ./hooks/redact.mjs, before_tool: { command: [./hooks/check.sh], match: files/*, timeout: 5s } }
  fixer:
    description: Applies one agreed change.
    model: local
    tools: [files/*]
  notes: { description: Writes the notes., model: client }
  release:
    description: Reviews, then fixes, then reports.
    steps: [reviewer, { parallel: [fixer, notes] }, { map: fixer, over: findings }, notes]

permissions: { deny: ["*/drop_*"] }

serve:
  expose: [reviewer, release]
  abandon_after: 2h
  limits: { open_tasks: 10, working_tasks: 50 }
  http: { port: 8080 }
  webhooks: [{ url: "https://chat.example/deputy", secret: "\${env:HOOK_SECRET}" }]
store: { keep: 7d, keep_journal: forever }
`;

const validate = new Ajv({ strict: false, allErrors: true }).compile(configJsonSchema());

test('the documented example passes both the check and the JSON Schema', async () => {
  expect(validate(parse(example)), JSON.stringify(validate.errors)).toBe(true);
  const { config, warnings } = await accepted(
    { 'agents.yaml': example, 'hooks/redact.mjs': '', 'hooks/check.sh': '' },
    { env: { ANTHROPIC_API_KEY: 'k', OPENAI_API_KEY: 'k', GITHUB_TOKEN: 't', HOOK_SECRET: 's'.repeat(32) } },
  );
  expect(warnings).toEqual([]);
  expect(config).toMatchObject({
    agents: [
      {
        name: 'reviewer',
        model: { model: 'claude-opus-5', fallback: [{ model: 'gpt-6' }] },
        limits: { cost: 2, time: 1_200_000 },
      },
      { name: 'fixer', model: { apiKey: 'none', baseUrl: 'http://127.0.0.1:11434/v1' }, instructions: '' },
      { name: 'notes', model: { provider: 'client' } },
      { name: 'release', model: { provider: 'plan' }, agents: ['reviewer', 'fixer', 'notes'] },
    ],
    servers: [
      { name: 'files', args: ['@modelcontextprotocol/server-filesystem@2026.8.31', '.'] },
      { name: 'github', headers: { Authorization: 'Bearer t' } },
      { name: 'lab' },
    ],
    serve: { expose: ['reviewer', 'release'], abandonAfter: 7_200_000, http: { host: '127.0.0.1', port: 8080 } },
  });
});

test.each([
  ['version: 2'],
  ['version: 1\nagent: {}'],
  ['version: 1\nagents: { a: { instructons: x } }'],
  ['version: 1\nagents: { a: { limits: { turns: 0 } } }'],
  ['version: 1\nagents: { a: { limits: { time: 20 minutes } } }'],
  ['version: 1\nmodels: { m: { model: x, thinking: hard } }'],
  ['version: 1\nmcpServers: { s: { type: sse } }'],
  ['version: 1\nmcpServers: { s: { command: x, tools: { t: { effect: keyed } } } }'],
  ['version: 1\npermissions: { allow: [{ tool: x/y, expires: 4h }] }'],
  ['version: 1\npermissions: { ask: x/y }'],
  ['version: 1\nhooks: { after_tools: x.mjs }'],
  ['version: 1\nhooks: { after_tool: { command: [] } }'],
  ['version: 1\nserve: { webhooks: [{ url: "https://x.example" }] }'],
  ['version: 1\nagents: { a: { steps: [] } }'],
  ['version: 1\nagents: { a: { steps: [{ parallel: [{ parallel: [b] }] }] } }'],
  ['version: 1\nmcpServers: { s: { command: x, protocol: 2024-11-05 } }'],
])('the JSON Schema refuses %j too', (text) => {
  expect(validate(parse(text))).toBe(false);
});

test.each([
  ['version: 1\nagents: { a: { limits: { turns: "${TURNS}", tokens: 5, cost: $2, time: "${T:-1h 30m}" } } }'],
  ['version: 1\nserve: { http: { port: "${PORT:-1}" } }'],
  ['version: 1\nmcpServers: { s: { command: x, timeout: 60s }, t: { url: x, timeout: { idle: 1m } } }'],
  ['version: 1\ninclude: [a.yaml]'],
  ['version: 1\npermissions: { ask: [x/y, { tool: x/z, when: args.a, expires: "${WAIT}" }] }'],
  ['version: 1\nhooks: { task_end: [x.mjs, { command: [x] }], on_approval: { module: x.mjs } }'],
])('the JSON Schema takes %j', (text) => {
  expect(validate(parse(text)), JSON.stringify(validate.errors)).toBe(true);
});
