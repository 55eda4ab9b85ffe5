import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { beforeAll, afterAll, describe, expect, test } from 'vitest';
import { parseJsonc } from '../../src/cli/hosts/jsonc.ts';
import { cli, type Folder, folder, repository } from './run-cli.ts';

let where: Folder;
let args: string[];
beforeAll(async () => {
  where = await folder({
    'agents.yaml': 'version: 1\nagents: { a: { description: x, instructions: y, model: scripted/s.yaml } }\n',
    's.yaml': 'replies: [hi]',
  });
  args = [join(repository, 'src/cli/main.ts'), '--config', join(where.path, 'agents.yaml'), 'serve', '--stdio'];
});
afterAll(() => where.remove());

const command = process.execPath;
const launch = () => ({ command, args });

/** Host, file under the home, the object that holds servers, our entry, and what a person has in the file already. */
const jsonHosts: [host: string, file: string, under: string, entry: () => object, kept: string][] = [
  [
    'claude-code',
    '.claude.json',
    'mcpServers',
    () => ({ type: 'stdio', ...launch() }),
    '{"numStartups": 7, "projects": {"/x": {"a": 1.50}}}',
  ],
  [
    'claude-desktop',
    '.config/Claude/claude_desktop_config.json',
    'mcpServers',
    launch,
    '{\n    "globalShortcut": ""\n}',
  ],
  [
    'vscode',
    '.config/Code/User/mcp.json',
    'servers',
    () => ({ type: 'stdio', ...launch() }),
    '{\n\t// mine\n\t"inputs": [],\n\t"servers": { "other": { "url": "https://x" } },\n}\n',
  ],
  ['cursor', '.cursor/mcp.json', 'mcpServers', launch, '{ "mcpServers": { "other": { "command": "x" } } }'],
  [
    'gemini',
    '.gemini/settings.json',
    'mcpServers',
    () => ({ ...launch(), timeout: 3_600_000 }),
    '{ "theme": "GitHub" /* nice */ }',
  ],
  [
    'opencode',
    '.config/opencode/opencode.json',
    'mcp',
    () => ({ type: 'local', command: [command, ...args] }),
    '{ "$schema": "https://opencode.ai/config.json" }',
  ],
  [
    'copilot',
    '.copilot/mcp-config.json',
    'mcpServers',
    () => ({ type: 'local', ...launch(), tools: ['*'] }),
    '{"mcpServers": {}}',
  ],
];

describe('install', () => {
  test.each(jsonHosts)('%s: writes its own format and keeps what is there', async (host, file, under, entry, kept) => {
    const home = join(where.path, `home-${host}`);
    const path = join(home, file);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, kept, { mode: 0o640 });

    const first = await cli({ path: where.path, home }, ['install', host]);
    expect(first).toMatchObject({ code: 0, out: '' });
    expect(first.err).toContain(path);
    const written = await readFile(path, 'utf8');
    const before = parseJsonc(kept);
    const old = before[under] as object | undefined;
    expect(parseJsonc(written)).toEqual({ ...before, [under]: { ...old, deputy: entry() } });
    for (const comment of ['// mine', '/* nice */', '1.50'])
      expect(written.includes(comment)).toBe(kept.includes(comment));
    expect(await readFile(`${path}.before-deputy`, 'utf8')).toBe(kept);
    expect((await stat(path)).mode & 0o777).toBe(0o640);

    const second = await cli({ path: where.path, home }, ['install', host]);
    expect(second.code).toBe(0);
    expect(second.err).toContain('stays as it is');
    expect(await readFile(path, 'utf8')).toBe(written);
  });

  test('codex: a table in config.toml, the rest of the file kept', async () => {
    const home = join(where.path, 'home-codex');
    const path = join(home, '.codex', 'config.toml');
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, '# mine\nmodel = "gpt"\n\n[mcp_servers.other]\ncommand = "x" # tail\n');
    expect((await cli({ path: where.path, home }, ['install', 'codex'])).code).toBe(0);
    expect(await readFile(path, 'utf8')).toBe(
      `# mine\nmodel = "gpt"\n\n[mcp_servers.other]\ncommand = "x" # tail\n\n[mcp_servers.deputy]\ncommand = ${JSON.stringify(command)}\n` +
        `args = [${args.map((arg) => JSON.stringify(arg)).join(', ')}]\nstartup_timeout_sec = 30\ntool_timeout_sec = 3600\n`,
    );
  });

  test('a new file is made where there is none, for its owner only', async () => {
    const home = join(where.path, 'home-new');
    const { code } = await cli({ path: where.path, home }, [
      '--config',
      'agents.yaml',
      'install',
      'cursor',
      '--name',
      'mine',
    ]);
    const path = join(home, '.cursor', 'mcp.json');
    expect(code).toBe(0);
    expect(JSON.parse(await readFile(path, 'utf8'))).toEqual({ mcpServers: { mine: launch() } });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  test('a file that cannot be read is left alone, exit 2', async () => {
    const home = join(where.path, 'home-broken');
    const path = join(home, '.cursor', 'mcp.json');
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, '{ "mcpServers": { broken');
    const { code, err } = await cli({ path: where.path, home }, ['install', 'cursor']);
    expect(code).toBe(2);
    expect(err).toContain('cannot be edited safely (line 1, column 19:');
    expect(err).toContain('--print');
    expect(await readFile(path, 'utf8')).toBe('{ "mcpServers": { broken');
  });

  test('--print shows the entry on stdout and the place on stderr, and writes nothing', async () => {
    const home = join(where.path, 'home-print');
    const { code, out, err } = await cli({ path: where.path, home }, ['install', 'claude-code', '--print']);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toEqual({ mcpServers: { deputy: { type: 'stdio', ...launch() } } });
    expect(err).toContain(join(home, '.claude.json'));
    await expect(stat(join(home, '.claude.json'))).rejects.toThrow('ENOENT');
  });

  test('the entry starts the server from anywhere, keys from --env-file included', async () => {
    const other = await folder({ '.env': 'A=1' });
    const file = join(other.path, '.env');
    const { out } = await cli(other, [
      '-c',
      join(where.path, 'agents.yaml'),
      '--env-file',
      '.env',
      'install',
      'cursor',
      '--print',
    ]);
    const { mcpServers } = JSON.parse(out) as { mcpServers: { deputy: { args: string[] } } };
    expect(mcpServers.deputy.args).toContain(file);
    const ping = `${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '1' } } })}\n`;
    const [program = '', ...rest] = mcpServers.deputy.args;
    const served = await cli({ path: '/', home: other.home }, rest, { program, input: ping });
    expect(served.code).toBe(0);
    expect(JSON.parse(served.out)).toMatchObject({ id: 1, result: { serverInfo: { name: 'deputy' } } });
    await other.remove();
  });

  test('an unknown host is exit 5, with those that are known', async () => {
    const { code, err } = await cli(where, ['install', 'emacs']);
    expect(code).toBe(5);
    expect(err).toContain('claude-code, claude-desktop, vscode');
  });
});
