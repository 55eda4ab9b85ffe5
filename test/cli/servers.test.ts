import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isNewEnough } from '../../src/cli/node-version.ts';
import { cli, type Folder, folder } from './run-cli.ts';
import { serverScript } from './tiny-server.ts';

const agents = `version: 1
permissions: { allow: ['*/*'] }
mcpServers:
  every:
    command: node
    args: [server.mjs]
    tools: { echo: { effect: read, rename: say } }
agents:
  plain: { description: Answers., instructions: x, model: scripted/plain.yaml, tools: [every/say] }
`;
const broken = `${agents.replace('mcpServers:\n', 'mcpServers:\n  gone: { command: ./no-such-server }\n')}
  keyed: { description: Thinks., instructions: x, model: anthropic/claude-sonnet-5 }
`;
const env = { ANTHROPIC_API_KEY: 'sk-ant-secret-secret-secret' };

let good: Folder;
let bad: Folder;
beforeAll(async () => {
  good = await folder({ 'agents.yaml': agents, 'plain.yaml': 'replies: [hi]', 'server.mjs': serverScript });
  bad = await folder({ 'agents.yaml': broken, 'plain.yaml': 'replies: [hi]', 'server.mjs': serverScript });
});
afterAll(async () => {
  await good.remove();
  await bad.remove();
});

describe('mcp', () => {
  test('list says how every server is; one that does not start is exit 7', async () => {
    const [json, some] = await Promise.all([cli(good, ['mcp', 'list', '--json']), cli(bad, ['mcp', 'list'], { env })]);
    expect(json.code).toBe(0);
    expect(JSON.parse(json.out)).toMatchObject({
      servers: [{ name: 'every', ok: true, version: '2025-11-25', tools: 2 }],
    });
    expect(some.code).toBe(7);
    expect(some.out).toMatch(/^gone +failed .*no-such-server/m);
    expect(some.out).toMatch(/^every +ok +2025-11-25 +2 tools +\d/m);
  });

  test('tools lists names as agents use them, with effects', async () => {
    const [table, json, unknown] = await Promise.all([
      cli(good, ['mcp', 'tools', 'every']),
      cli(good, ['mcp', 'tools', '--json']),
      cli(good, ['mcp', 'tools', 'nobody']),
    ]);
    expect(table.out).toMatch(/^every\/say +read +\S/m);
    const { tools } = JSON.parse(json.out) as { tools: { id: string }[] };
    expect(tools.find((tool) => tool.id === 'every/say')).toMatchObject({
      name: 'echo',
      effect: 'read',
      inputSchema: { type: 'object' },
    });
    expect(unknown).toMatchObject({ code: 5, out: '' });
    expect(unknown.err).toContain('There is: every.');
  });

  test('call prints what the tool returned', async () => {
    const [text, json, failed] = await Promise.all([
      cli(good, ['mcp', 'call', 'every/say', '{"message":"hello"}']),
      cli(good, ['mcp', 'call', 'every/say', '-', '--json'], { input: '{"message":"piped"}' }),
      cli(good, ['mcp', 'call', 'every/fail']),
    ]);
    expect(text).toMatchObject({ code: 0, out: 'Echo: hello\n', err: '' });
    expect(JSON.parse(json.out)).toMatchObject({ isError: false, content: [{ type: 'text', text: 'Echo: piped' }] });
    expect(failed).toMatchObject({ code: 1, out: '', err: 'It failed.\n' });
  });

  test.each([
    ['every/nothing', '{}', 5, 'every has no tool "nothing"'],
    ['nobody/say', '{}', 5, 'There is no server "nobody"'],
    ['say', '{}', 2, 'write server/tool'],
    ['every/say', '{"message":3}', 2, 'message'],
    ['every/say', 'hello', 2, 'The arguments must be a JSON object'],
  ])('call %s %s is exit %i', async (tool, args, code, message) => {
    const outcome = await cli(good, ['mcp', 'call', tool, args]);
    expect(outcome.err).toContain(message);
    expect(outcome).toMatchObject({ code, out: '' });
  });
});

describe('doctor', () => {
  test('finds a healthy network healthy, exit 0', async () => {
    const { code, out } = await cli(good, ['doctor']);
    expect(out).toMatch(/✓ node {5}Node \d/);
    expect(out).toMatch(/✓ config .*agents\.yaml: 1 agent, 1 server/);
    expect(out).toMatch(/✓ model {4}plain: script plain\.yaml \(found\)/);
    expect(out).toMatch(/✓ server {3}every: speaks 2025-11-25, 2 tools, \d/);
    expect(out).toContain('All is well.');
    expect(code).toBe(0);
  });

  test('says what is wrong and how to mend it, and never shows a key: exit 1', async () => {
    const { code, out, err } = await cli(bad, ['doctor'], { env });
    expect(out).toContain('keyed: anthropic/claude-sonnet-5 (key present)');
    expect(out).toMatch(/✗ server {3}gone: .*no-such-server.*\n {2}mend: +\S/);
    expect(out).toContain('1 thing to mend.');
    expect(out + err).not.toContain('secret');
    expect(code).toBe(1);
  });

  test('--json is one object', async () => {
    await good.write({ 'home/.codex/config.toml': '' });
    const { code, out } = await cli(good, ['doctor', '--json']);
    const report = JSON.parse(out) as { ok: boolean; findings: { what: string }[] };
    expect({ code, ok: report.ok }).toEqual({ code: 0, ok: true });
    expect(report.findings).toContainEqual({
      what: 'host',
      state: 'note',
      message: 'Codex is here',
      mend: 'deputy install codex',
    });
  });

  test('a missing configuration and a missing key are told with their mend', async () => {
    const empty = await folder();
    const keyless = await folder({
      'agents.yaml':
        'version: 1\nagents: { a: { description: x, instructions: y, model: anthropic/claude-sonnet-5 } }\n',
    });
    const [none, key] = await Promise.all([cli(empty, ['doctor']), cli(keyless, ['doctor'])]);
    expect(none).toMatchObject({ code: 1 });
    expect(none.out).toContain('deputy init');
    expect(key.code).toBe(1);
    expect(key.out).toContain('ANTHROPIC_API_KEY');
    await empty.remove();
    await keyless.remove();
  });

  test.each([
    ['22.19.0', true],
    ['24.1.0', true],
    ['22.18.9', false],
    ['20.20.2', false],
  ])('Node %s is new enough: %s', (version, is) => {
    expect(isNewEnough(version)).toBe(is);
  });
});
