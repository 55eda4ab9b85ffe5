import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cli, type Folder, folder, repository } from './run-cli.ts';

let empty: Folder;
beforeAll(async () => {
  empty = await folder();
});
afterAll(() => empty.remove());

describe('the arguments', () => {
  test('--help and --version are answers: stdout, exit 0', async () => {
    const [help, version] = await Promise.all([cli(empty, ['--help']), cli(empty, ['--version'])]);
    expect(help).toMatchObject({ code: 0, err: '' });
    expect(help.out).toContain('Agents declared in YAML');
    expect(version.code).toBe(0);
    expect(version.out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test.each([
    [['frobnicate'], 'unknown command'],
    [['vaildate'], 'Did you mean validate?'],
    [['run'], 'Which agent?'],
    [['serve', '--console'], 'unknown option'],
    [['serve', '--http', 'nonsense'], 'is no address'],
    [['serve', '--stdio', '--http', '8080'], 'cannot be used with'],
    [['run', 'a', 'b', '--json', '--stream-json'], 'cannot be used with'],
    [['run', 'a', 'b', '--timeout', 'soon'], 'Write a time such as 90s'],
    [['run', 'a', 'b', '--max-cost', 'much'], 'Write an amount in US dollars'],
    [['--log-level', 'loud', 'schema'], 'Allowed choices'],
    [['init', '--template', 'grand'], 'Allowed choices'],
    [['run', 'a', 'b', '--approve', 'all'], 'Allowed choices'],
    [['install', 'claude-code', '--name', 'a b'], 'is no name for a server'],
    [[], 'Usage: deputy'],
  ])('%j is a mistake of use: stderr says what, stdout is empty, exit 2', async (args, message) => {
    const { code, out, err } = await cli(empty, args);
    expect(err).toContain(message);
    expect({ code, out }).toEqual({ code: 2, out: '' });
  });

  test('without a configuration every command that needs one says how to get one, exit 2', async () => {
    const commands = [
      ['run', 'a', 'b'],
      ['validate'],
      ['serve', '--stdio'],
      ['mcp', 'list'],
      ['install', 'codex'],
      ['chat'],
    ];
    for (const outcome of await Promise.all(commands.map((args) => cli(empty, args)))) {
      expect(outcome).toMatchObject({ code: 2, out: '' });
      expect(outcome.err).toContain('deputy init');
    }
  });
});

describe('init', () => {
  test.each([
    ['single', 'assistant', 'You said: "hello"'],
    ['network', 'announcement', 'A draft was written, checked from two sides and mended:'],
  ])('--template %s runs as it is, without a key', async (template, agent, answer) => {
    const where = await folder();
    const made = await cli(where, ['init', 'net', '--template', template]);
    expect(made).toMatchObject({ code: 0, out: '' });
    expect(made.err).toContain('cd net');
    const net = { path: join(where.path, 'net'), home: where.home };
    const [valid, ran] = await Promise.all([cli(net, ['validate']), cli(net, ['-q', 'run', agent, 'hello'])]);
    expect(valid.code).toBe(0);
    expect(ran).toMatchObject({ code: 0, err: '' });
    expect(ran.out).toContain(answer);
    expect(await readFile(join(net.path, 'agents.yaml'), 'utf8')).toMatch(
      /^# yaml-language-server: \$schema=\.\/agents\.schema\.json\n/,
    );
    await where.remove();
  });

  test('--template network runs its steps in order, those side by side together', async () => {
    const where = await folder();
    await cli(where, ['init', 'net', '--template', 'network']);
    const net = { path: join(where.path, 'net'), home: where.home };
    const { code, out } = await cli(net, ['-q', 'run', 'announcement', 'Our first release', '--stream-json']);
    expect(code).toBe(0);
    const events = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; agent?: string });
    const told = events
      .filter(({ type, agent }) => /^agent_(start|end)$/.test(type) && agent !== 'announcement')
      .map(({ type, agent }) => `${agent} ${type.slice(6)}`);
    expect(told.slice(0, 2)).toEqual(['writer start', 'writer end']);
    expect(told.slice(2, 6).toSorted()).toEqual(['checker end', 'checker start', 'reader end', 'reader start']);
    expect(told.slice(6)).toEqual(['editor start', 'editor end']);
    await where.remove();
  });

  test('--template supervised asks a person, waits, and goes on', async () => {
    const where = await folder();
    await cli(where, ['init', 'net', '--template', 'supervised']);
    const net = { path: join(where.path, 'net'), home: where.home };
    const ran = await cli(net, ['run', 'writer', 'Our first release', '--json']);
    expect(ran.code).toBe(4);
    const { task } = JSON.parse(ran.out) as { task: string };
    await cli(net, ['tasks', 'respond', task, 'answer=customers']);
    expect(await cli(net, ['run', '--resume', task])).toMatchObject({ code: 4 });
    expect(await cli(net, ['approvals', 'approve', task])).toMatchObject({ code: 0 });
    const { code, out } = await cli(net, ['run', '--resume', task]);
    expect(code).toBe(0);
    expect(out).toContain('For customers: Our first release');
    await where.remove();
  });

  test('overwrites nothing', async () => {
    const where = await folder({ 'agents.yaml': 'mine' });
    const { code, err } = await cli(where, ['init']);
    expect(code).toBe(2);
    expect(err).toContain('agents.yaml is in');
    expect(await readFile(join(where.path, 'agents.yaml'), 'utf8')).toBe('mine');
    await where.remove();
  });
});

describe('validate and schema', () => {
  const broken = `version: 1
agents:
  triage:
    description: x
    instructons: look
    model: scripted/none.yaml
    tools: [files/*]
`;

  test('all errors at once, framed, on stderr; exit 2', async () => {
    const where = await folder({ 'agents.yaml': broken });
    const { code, out, err } = await cli(where, ['validate']);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain('agents.yaml:5:5 error E_UNKNOWN_KEY');
    expect(err).toContain('did you mean "instructions"?');
    expect(err).toMatch(/\^{4,}/);
    expect(err.match(/ error E_/g)?.length).toBeGreaterThanOrEqual(3);
    expect(err).not.toContain('\x1b');
    await where.remove();
  });

  test('--json carries the problems with their ranges', async () => {
    const where = await folder({ 'other.yaml': broken });
    const { code, out } = await cli(where, ['validate', 'other.yaml', '--json']);
    const report = JSON.parse(out) as { ok: boolean; problems: { code: string; range: { start: object } }[] };
    expect({ code, ok: report.ok }).toEqual({ code: 2, ok: false });
    expect(report.problems[0]).toMatchObject({ code: 'E_UNKNOWN_KEY', range: { start: { line: 5, col: 5 } } });
    await where.remove();
  });

  test('a command that needs the configuration shows the same errors and exits 2; with --json also as an object', async () => {
    const where = await folder({ 'agents.yaml': broken });
    const { code, out, err } = await cli(where, ['run', 'triage', 'x', '--json']);
    expect(code).toBe(2);
    expect(err).toContain('did you mean "instructions"?');
    expect(JSON.parse(out)).toMatchObject({ type: 'error', error: { code: 'E_USAGE' } });
    await where.remove();
  });

  test('the configuration is found by --config, $DEPUTY_CONFIG, and upwards', async () => {
    const good = 'version: 1\nagents: { a: { description: x, instructions: y, model: scripted/s.yaml } }\n';
    const where = await folder({ 'net/agents.yaml': good, 'net/s.yaml': 'replies: [hi]', 'net/deep/er/x': '' });
    const deep = { path: join(where.path, 'net', 'deep', 'er'), home: where.home };
    const outcomes = await Promise.all([
      cli(where, ['validate', '-c', 'net/agents.yaml']),
      cli(where, ['validate'], { env: { DEPUTY_CONFIG: 'net/agents.yaml' } }),
      cli(deep, ['validate']),
    ]);
    for (const { code, out } of outcomes) {
      expect(out).toBe(`${join(where.path, 'net', 'agents.yaml')} is valid: 1 agent, 0 servers, 0 warnings\n`);
      expect(code).toBe(0);
    }
    await where.remove();
  });

  test('the schema on stdout is the one beside agents.yaml', async () => {
    const { code, out } = await cli(empty, ['schema']);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toEqual(JSON.parse(await readFile(join(repository, 'agents.schema.json'), 'utf8')));
  });
});
