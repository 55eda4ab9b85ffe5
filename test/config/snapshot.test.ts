import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Config } from '../../src/config/config.ts';
import { formatProblems } from '../../src/config/format-problems.ts';
import { loadConfig, loadSnapshot } from '../../src/config/load-config.ts';
import { folderWith, inShort, minimal } from './fixture.ts';

const env = { TOKEN: 'token-of-the-environment', NAME: 'anna' };

const files = {
  'reply.yaml': '',
  'agents.yaml': `include: more/servers.yaml
${minimal(
  'permissions: { deny: ["*/drop_*"] }\n',
  `    instructions: \${file:prompts/a.txt}
    permissions: { ask: [{ tool: s/x, when: "args.to == '\${NAME}'" }] }
    tools: [s/*]
`,
)}`,
  'more/servers.yaml': `mcpServers:
  s: { url: "http://127.0.0.1:1/", auth: { bearer: "\${file:secrets/token}" }, headers: { X-Token: "\${env:TOKEN}" } }
`,
  'prompts/a.txt': 'Be short.\n',
  'secrets/token': 'token-of-the-file\n',
  'agents/b.md': '---\ndescription: B\n---\nThe first instructions of b.\n',
  'agents/c.yaml': 'description: C\ninstructions: The first of c.\n',
};

async function load(root: string): Promise<Config> {
  const loaded = await loadConfig({ cwd: root, env });
  if (!loaded.ok) throw new Error(formatProblems(loaded.problems, { color: false }));
  return loaded.config;
}

async function reload(config: Config, given: Record<string, string> = env): Promise<Config> {
  const loaded = await loadSnapshot(config.snapshot.text, { root: config.root, env: given });
  if (!loaded.ok) throw new Error(formatProblems(loaded.problems, { color: false }));
  return loaded.config;
}

/** All of it that can be compared: functions are left out. */
const plain = (config: Config): unknown => JSON.parse(JSON.stringify(config));

describe('a snapshot', () => {
  test('is the same for unchanged files, wherever they lie, and another one for every change', async () => {
    const [root, other] = [await folderWith(files), await folderWith(files)];
    const { snapshot } = await load(root);
    expect((await load(root)).snapshot).toEqual(snapshot);
    expect((await load(other)).snapshot).toEqual(snapshot);
    expect(snapshot.hash).toBe(createHash('sha256').update(snapshot.text).digest('hex'));
    const hashes = new Set([snapshot.hash]);
    for (const name of ['agents.yaml', 'more/servers.yaml', 'agents/b.md', 'agents/c.yaml', 'prompts/a.txt'] as const) {
      await writeFile(join(other, name), `${files[name]}\n`);
      hashes.add((await load(other)).snapshot.hash);
    }
    expect(hashes.size).toBe(6);
  });

  test('loads as what it was taken of', async () => {
    const config = await load(await folderWith(files));
    expect(plain(await reload(config))).toEqual(plain(config));
  });

  test('loads the old definitions when files have changed, gone or come', async () => {
    const root = await folderWith(files);
    const before = await load(root);
    await writeFile(join(root, 'agents.yaml'), minimal('', '    instructions: New.\n').replace('  a:', '  z:'));
    await writeFile(join(root, 'prompts/a.txt'), 'Be long.');
    await writeFile(join(root, 'agents/new.md'), '---\ndescription: New\n---\nNew');
    await rm(join(root, 'agents/b.md'));
    await rm(join(root, 'more'), { recursive: true });
    expect((await load(root)).agents.map(({ name }) => name)).toEqual(['z', 'c', 'new']);
    const old = await reload(before);
    expect(plain(old)).toEqual(plain(before));
    expect(old.agents.map(({ name, instructions }) => [name, instructions])).toEqual([
      ['a', 'Be short.'],
      ['b', 'The first instructions of b.'],
      ['c', 'The first of c.'],
    ]);
    const use = { tool: 's/drop_x', args: {}, effect: 'unsafe', agent: 'b', owner: '' } as const;
    expect(old.agents[1]?.policy.judge(use)).toEqual(before.agents[1]?.policy.judge(use));
    expect(old.agents.map(({ policy }) => policy.version)).toEqual(before.agents.map(({ policy }) => policy.version));
  });

  test('holds no secrets: the environment and files of secrets are read anew', async () => {
    const root = await folderWith(files);
    const config = await load(root);
    expect(config.snapshot.text).not.toMatch(/token-of|anna/);
    await writeFile(join(root, 'secrets/token'), 'another');
    const again = await reload(config, { TOKEN: 'other', NAME: 'ben' });
    expect(again.servers[0]).toMatchObject({ headers: { 'X-Token': 'other', Authorization: 'Bearer another' } });
    const use = { tool: 's/x', args: { to: 'ben' }, effect: 'read', agent: 'a', owner: '' } as const;
    expect(again.agents[0]?.policy.judge(use)?.decision).toBe('ask');
    expect(again.snapshot).toEqual(config.snapshot);
  });

  test('a file that a secret is read from is kept out even where it is no secret as well', async () => {
    const root = await folderWith({
      ...files,
      'agents/d.yaml': 'description: D\ninstructions: "${file:secrets/token}"\n',
    });
    const config = await load(root);
    expect(config.snapshot.text).not.toContain('token-of-the-file');
    expect((await reload(config)).agents[3]?.instructions).toBe('token-of-the-file');
  });

  test('says what its environment lacks now', async () => {
    const config = await load(await folderWith(files));
    const loaded = await loadSnapshot(config.snapshot.text, { root: config.root, env: {} });
    if (loaded.ok) throw new Error('accepted');
    expect(loaded.problems.map(inShort)).toEqual([
      'E_ENV agents.yaml:8:58 agents.a.permissions.ask[0].when needs the environment variable NAME, which is not set',
      'E_ENV more/servers.yaml:2:100 mcpServers.s.headers.X-Token needs the environment variable TOKEN, which is not set',
    ]);
  });

  test('one file under two names is one file', async () => {
    const root = await folderWith({
      ...files,
      'agents.yaml': `include: [more/servers.yaml, more/link.yaml]\n${minimal()}`,
    });
    await symlink('servers.yaml', join(root, 'more/link.yaml'));
    const config = await load(root);
    expect(plain(await reload(config))).toEqual(plain(config));
  });

  test('a file outside of the folder may be included', async () => {
    const outer = await folderWith({
      'in/agents.yaml': `include: ../more.yaml\n${minimal()}`,
      'in/reply.yaml': '',
      'more.yaml': 'agents: { x: { description: X } }\n',
    });
    const config = await load(join(outer, 'in'));
    await rm(join(outer, 'more.yaml'));
    expect((await reload(config)).agents.map(({ name }) => name)).toEqual(['a', 'x']);
  });

  test('goes with the folder when it moves', async () => {
    const root = await folderWith({ 'old/x': '' });
    const [from, to] = [join(root, 'old'), join(root, 'new')];
    for (const [name, text] of Object.entries(files)) {
      await mkdir(join(from, name, '..'), { recursive: true });
      await writeFile(join(from, name), text);
    }
    const { snapshot } = await load(from);
    await rename(from, to);
    const loaded = await loadSnapshot(snapshot.text, { root: to, env });
    expect(loaded).toMatchObject({
      ok: true,
      config: { file: join(to, 'agents.yaml'), lockFile: join(to, 'deputy.lock') },
    });
  });

  test.each([
    '',
    'null',
    '{}',
    '{"snapshot":2,"main":"a","files":{}}',
    '{"snapshot":1,"main":"a","files":{"a":1}}',
    '{"snapshot":1,"files":{}}',
  ])('%j is none', async (text) => {
    const loaded = await loadSnapshot(text, { root: '/nowhere', env: {} });
    expect(loaded).toMatchObject({ ok: false, problems: [{ code: 'E_READ', file: 'snapshot' }] });
  });
});
