import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load-config.ts';
import { redacted } from '../../src/log.ts';
import { accepted, folderWith, inShort, minimal, refused } from './fixture.ts';

const server = (entry: string) => minimal(`mcpServers:\n  s: ${entry}\n`);

test.each([
  ['${env:HERE}', 'yes'],
  ['${HERE}', 'yes'],
  ['${HERE:-no}', 'yes'],
  ['${env:NOWHERE:-default}', 'default'],
  ['${NOWHERE:-}', ''],
  ['${EMPTY:-default}', 'default'],
  ['a ${HERE} b ${NOWHERE:-c:-d}', 'a yes b c:-d'],
  ['$${HERE} costs $5', '${HERE} costs $5'],
  ['${file:text.txt}', 'first\nsecond'],
])('%s comes to %j', async (written, value) => {
  const { config } = await accepted(
    { 'agents.yaml': server(`{ command: x, args: [${JSON.stringify(written)}] }`), 'text.txt': 'first\nsecond\n' },
    { env: { HERE: 'yes', EMPTY: '' } },
  );
  expect(config.servers).toMatchObject([{ args: [value] }]);
});

test('a number may come from the environment', async () => {
  const text = minimal(
    'serve: { http: { port: "${PORT:-8123}" } }\n',
    '    limits: { turns: "${TURNS}", tokens: "${TOKENS}" }\n',
  );
  const { config } = await accepted(text, { env: { TURNS: '7', TOKENS: '2k' } });
  expect(config.serve.http).toEqual({ host: '127.0.0.1', port: 8123 });
  expect(config.agents[0]?.limits).toEqual({ turns: 7, tokens: 2000 });
  expect(await refused(text, { env: { TURNS: 'seven', TOKENS: '2k' } })).toEqual([
    'E_VALUE agents.yaml:6:22 agents.a.limits.turns must be a whole number from 1 to 10000',
  ]);
});

test('a variable that is not set is an error at the reference, naming the key that needs it', async () => {
  expect(await refused(server('{ url: "https://x.example/mcp", auth: { bearer: "Token ${env:GONE}" } }'))).toEqual([
    'E_ENV agents.yaml:7:61 mcpServers.s.auth.bearer needs the environment variable GONE, which is not set',
  ]);
  expect(await refused(server('{ command: x, env: { A: "${GONE}", B: "${EMPTY}" } }'), { env: { EMPTY: '' } })).toEqual(
    [
      'E_ENV agents.yaml:7:31 mcpServers.s.env.A needs the environment variable GONE, which is not set',
      'E_ENV agents.yaml:7:45 mcpServers.s.env.B needs the environment variable EMPTY, which is empty',
    ],
  );
  expect(await refused(server('{ command: "${constructor}" }'), { env: process.env })).toEqual([
    'E_ENV agents.yaml:7:18 mcpServers.s.command needs the environment variable constructor, which is not set',
  ]);
});

test.each(['${}', '${A B}', '${env:}', '${input:token}', '${A:-${B}}', '${A', '${file:}'])(
  '%s is no reference',
  async (written) => {
    expect(await refused(server(`{ command: ${JSON.stringify(written)} }`))).toEqual([
      expect.stringMatching(/^E_REFERENCE_FORM agents\.yaml:7:18 /),
    ]);
  },
);

test('JSON Schemas are taken as they stand', async () => {
  const { config } = await accepted(
    minimal('', '    input: { type: object, properties: { p: { pattern: "^${A}$" } } }\n'),
  );
  expect(config.agents[0]?.input).toEqual({ type: 'object', properties: { p: { pattern: '^${A}$' } } });
});

test('files are read inside the root only, symbolic links resolved', async () => {
  const outside = await folderWith({ 'secret.txt': 'outside' });
  const cwd = await folderWith({ 'reply.yaml': '', 'inside.txt': 'inside' });
  await symlink(join(outside, 'secret.txt'), join(cwd, 'link.txt'));
  await symlink(join(cwd, 'inside.txt'), join(cwd, 'good.txt'));
  const tryFile = async (path: string) => {
    await writeFile(join(cwd, 'agents.yaml'), minimal('', `    instructions: "\${file:${path}}"\n`));
    const loaded = await loadConfig({ cwd, env: {} });
    return loaded.ok ? loaded.config.agents[0]?.instructions : loaded.problems.map(inShort).join();
  };
  expect(await tryFile('good.txt')).toBe('inside');
  for (const path of ['link.txt', '../', `../${outside.split('/').at(-1)}/secret.txt`, join(outside, 'secret.txt')]) {
    expect(await tryFile(path)).toMatch(/^E_FILE agents\.yaml:6:20 .* which is outside of the folder of agents\.yaml$/);
  }
  expect(await tryFile('gone.txt')).toContain('which does not exist');
  expect(await tryFile('.')).toMatch(/outside|no regular file/);
});

test('what is resolved where secrets belong is blotted out of logs; a plain setting is not', async () => {
  const env = {
    MODEL_KEY: 'canary-model-key',
    BEARER: 'canary-bearer-value',
    HEADER: 'canary-header-value',
    GITHUB_TOKEN: 'canary-env-token',
    DB: 'ghp_canarycanarycanarycanarycanary1',
    MODE: 'production-mode',
    OPENAI_API_KEY: 'canary-default-key',
  };
  await accepted(
    {
      'agents.yaml': `version: 1
models:
  m: { model: anthropic/x, api_key: "\${MODEL_KEY}", fallback: [openai/y] }
mcpServers:
  s: { command: x, args: ["--db=\${DB}"], env: { T: "\${GITHUB_TOKEN}", MODE: "\${MODE}", F: "\${file:key.txt}" } }
  h: { url: "https://x.example/mcp", headers: { X-Key: "\${HEADER}" }, auth: { bearer: "\${BEARER}" } }
agents:
  a: { description: A, model: m }
`,
      'key.txt': 'canary-file-content\n',
    },
    { env },
  );
  for (const secret of Object.values({ ...env, MODE: 'canary-file-content' }))
    expect(redacted(`<${secret}>`)).toBe('<[redacted]>');
  expect(redacted(env.MODE)).toBe(env.MODE);
});

// Put together here, so that no scanner takes this file for a leak.
const joined = (...parts: string[]) => parts.join('');
const githubToken = joined('ghp', '_', 'aB3d'.repeat(9));
const literal = [
  ['an Anthropic API key', joined('sk-', 'ant-api03-', 'aB3_'.repeat(8))],
  ['an API key', joined('sk-', 'proj-', 'aB3d'.repeat(8))],
  ['an API key', joined('sk-', 'or-v1-', '0123456789abcdef'.repeat(4))],
  ['a GitHub token', githubToken],
  ['a GitHub token', joined('github', '_pat_', 'aB3_'.repeat(8))],
  ['a Slack token', joined('xox', 'b-1234567890-abcdef')],
  ['an AWS access key', joined('AK', 'IAABCDEFGHIJKLMNOP')],
  ['a JSON Web Token', joined('ey', 'JhbGciOiJIUzI1', '.', 'ey', 'JzdWIiOiIxMjM0', '.', 'c2lnbmF0dXJl')],
  ['a private key', joined('-----BEGIN', ' RSA PRIVATE KEY-----')],
] as const;

test.each(literal)('%s is refused in a file and masked in its frame', async (what, secret) => {
  const cwd = await folderWith({ 'reply.yaml': '', 'agents.yaml': server(`{ command: x, env: { A: "${secret}" } }`) });
  const loaded = await loadConfig({ cwd, env: {} });
  if (loaded.ok) throw new Error('accepted');
  expect(loaded.problems).toMatchObject([{ code: 'E_SECRET', line: 7, col: 31, message: `this looks like ${what}` }]);
  expect(JSON.stringify(loaded.problems)).not.toContain(secret);
});

test('secrets are found in comments and in the text of cards', async () => {
  const secret = githubToken;
  expect(
    await refused({
      'agents.yaml': minimal(`# ${secret}\n`),
      'agents/b.md': `---\ndescription: B\n---\nUse ${secret}\n`,
    }),
  ).toEqual([
    'E_SECRET agents.yaml:6:3 this looks like a GitHub token',
    'E_SECRET agents/b.md:4:5 this looks like a GitHub token',
  ]);
});

test.each([
  'task-management-for-2026-and-other-long-words',
  'sk-learn-is-a-library-with-20-long-names',
  'sk-test',
  'eyJ.eyJ.x',
  'AKIA',
])('%s is no secret', async (text) => {
  await accepted(minimal('', `    instructions: ${text}\n`));
});
