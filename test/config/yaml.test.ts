import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatProblems } from '../../src/config/format-problems.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { cpuTimeOf } from '../cpu-time.ts';
import { accepted, folderWith, minimal, refused } from './fixture.ts';

test('several faults of syntax are all reported', async () => {
  const found = await refused('version: 1\nagents:\n\ta: 1\nb: "x\nc: [1\nd: }\n');
  expect(found.length).toBeGreaterThan(1);
  for (const problem of found) expect(problem).toMatch(/^E_YAML agents\.yaml:\d+:\d+ /);
});

test('the same key twice shows both places', async () => {
  const cwd = await folderWith({ 'agents.yaml': minimal('    tools: []\n    tools: []\n'), 'reply.yaml': '' });
  const loaded = await loadConfig({ cwd, env: {} });
  if (loaded.ok) throw new Error('accepted');
  expect(loaded.problems).toMatchObject([
    { code: 'E_DUPLICATE', line: 7, related: [{ line: 6, message: 'first here' }] },
  ]);
});

test('anchors, aliases and merge keys work, explicit keys first', async () => {
  const { config } = await accepted(`version: 1
agents:
  a: &base
    description: A
    model: scripted/reply.yaml
    limits: &limits { turns: 3, depth: 1 }
  b:
    <<: *base
    description: B
  c:
    <<: [*base]
    description: C
    limits: { <<: *limits, turns: 5 }
`);
  expect(config.agents.map(({ description, limits }) => [description, limits.turns, limits.depth])).toEqual([
    ['A', 3, 1],
    ['B', 3, 1],
    ['C', 5, 1],
  ]);
});

test('what is wrong inside an alias is shown at its anchor', async () => {
  expect(await refused(minimal('    limits: &l { turns: x }\n  b: { description: B, limits: *l }\n'))).toEqual([
    'E_VALUE agents.yaml:6:25 agents.a.limits.turns must be a whole number from 1 to 10000',
    'E_VALUE agents.yaml:6:25 agents.b.limits.turns must be a whole number from 1 to 10000',
  ]);
});

/** @param milliseconds of CPU */
const within = async (milliseconds: number, files: Parameters<typeof refused>[0]): Promise<string[]> => {
  let found: string[] = [];
  expect(await cpuTimeOf(async () => (found = await refused(files)))).toBeLessThan(milliseconds);
  return found;
};

test('a billion laughs end at the bound', async () => {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x]'];
  for (let i = 1; i < 12; i++)
    lines.push(
      `a${i}: &a${i} [${Array(9)
        .fill(`*a${i - 1}`)
        .join(', ')}]`,
    );
  expect(await within(1000, lines.join('\n'))).toEqual([
    expect.stringMatching(/^E_BOUND .* (aliases make this file larger|more than 100 aliases)/),
  ]);
});

test('merge keys that double and double end at the bound', async () => {
  const lines = ['m0: &m0 { a: 1, b: 2 }'];
  for (let i = 1; i < 40; i++) lines.push(`m${i}: &m${i} { <<: [*m${i - 1}, *m${i - 1}], k${i}: { <<: *m${i - 1} } }`);
  expect(await within(1000, lines.join('\n'))).toEqual([expect.stringMatching(/^E_BOUND/)]);
});

test.each([
  ['flow lists', '['.repeat(500_000)],
  ['flow maps', '{a: '.repeat(200_000)],
  ['block lists', '- '.repeat(400_000)],
  ['indented maps', Array.from({ length: 1400 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n')],
])('deep %s end at the bound', async (_, text) => {
  expect(await within(2000, text)).toEqual([expect.stringMatching(/^E_BOUND agents\.yaml:\d+:\d+ (nested|more than)/)]);
});

test('a hundred thousand keys end at the bound', async () => {
  const text = Array.from({ length: 100_000 }, (_, index) => `k${index}: v`).join('\n');
  expect(await within(2000, text)).toEqual([
    'E_BOUND agents.yaml:20001:7 more than 20000 keys and list items in one file',
  ]);
});

test.each([
  ['keys', `# ${'sk-a-'.repeat(200_000)}`],
  ['tokens', `# ${'eyJ-'.repeat(250_000)}`],
  ['references', minimal('', `    instructions: "${'${A} '.repeat(150_000)}"\n`)],
  ['escaped references', minimal('', `    instructions: "${'\\x24{A}'.repeat(100_000)}"\n`)],
  ['stars', minimal('', `    tools: ["${'*a'.repeat(100)}/b"]\n`)],
])('a mebibyte of %s is read in linear time', async (_, text) => {
  expect((await within(3000, text)).length).toBeGreaterThan(0);
});

test.each([
  ['parentheses', `tools: ${'('.repeat(500_000)}`],
  ['spaces', `a: b: ${' '.repeat(900_000)}c`],
])('a card with a mebibyte of %s is read in linear time', async (_, line) => {
  await within(3000, { 'agents.yaml': minimal(), 'agents/b.md': `---\n${line}\n---\nB` });
});

test('an alias of its own anchor is refused', async () => {
  expect(await refused('a: &a [*a]\n')).toEqual(['E_BOUND agents.yaml:1:8 "*a" contains itself']);
  expect(await refused('a: *b\nb: &b 1\n')).toEqual([expect.stringMatching(/^E_YAML agents.yaml:1:\d/)]);
});

test('a file of more than a mebibyte is not read', async () => {
  expect(await refused(`version: 1\n#${'x'.repeat(1024 * 1024)}`)).toEqual([
    'E_BOUND agents.yaml:0:0 the file is larger than 1 MiB',
  ]);
});

test('bytes that are no UTF-8 are refused, a byte order mark is not', async () => {
  const cwd = await folderWith({ 'reply.yaml': '', 'agents.yaml': `\uFEFF${minimal()}` });
  expect(await loadConfig({ cwd, env: {} })).toMatchObject({ ok: true });
  const broken = await folderWith({});
  await symlink('/usr/bin/env', join(broken, 'agents.yaml'));
  expect(await loadConfig({ cwd: broken, env: {} })).toMatchObject({
    ok: false,
    problems: [{ code: 'E_READ', help: 'save it as UTF-8' }],
  });
});

test('__proto__ and its kin change no prototype', async () => {
  expect(await refused(minimal('__proto__: { polluted: true }\n'))).toEqual([
    'E_NAME agents.yaml:6:1 "__proto__" cannot be a key',
  ]);
  expect(await refused(minimal('constructor: { prototype: { polluted: true } }\n'))).toEqual([
    'E_UNKNOWN_KEY agents.yaml:6:1 unknown key "constructor"',
  ]);
  expect(await refused(minimal('    model: constructor\n'))).toEqual([
    'E_REFERENCE agents.yaml:6:12 unknown model "constructor"',
  ]);
  expect('polluted' in {}).toBe(false);
});

test.each([
  ['', 'E_MISSING agents.yaml:1:1 the file is empty'],
  ['# nothing\n', 'E_MISSING agents.yaml:1:1 the file is empty'],
  ['- 1\n', 'E_TYPE agents.yaml:1:1 the file must be a map of keys'],
  ['version: 1\n', 'E_MISSING agents.yaml:1:1 no agent is declared'],
  ['a: !custom 1\n', 'E_YAML agents.yaml:1:4 unresolved tag: !custom'],
  ['a: 1\n---\nb: 2\n', 'E_YAML agents.yaml:2:1'],
  ['version: 1\nagents:\n', 'E_TYPE agents.yaml:2:1 agents must be a map of keys, not empty'],
  ['version: .inf\n', 'E_TYPE agents.yaml:1:10 this is no plain value'],
  ['? [a]\n: 1\n', 'E_YAML agents.yaml:1:3 a key must be text'],
])('%j is answered, not thrown at', async (text, first) => {
  expect(await refused(text)).toContainEqual(expect.stringContaining(first));
});

test('nothing that is written makes loadConfig throw, and every problem has a place inside its file', async () => {
  const words = [
    'version: 1',
    'agents',
    'models',
    'mcpServers',
    ': ',
    '\n',
    '\n  ',
    '\n    ',
    '- ',
    '[',
    ']',
    '{',
    '}',
    ', ',
    '"',
    "'",
    '&a ',
    '*a',
    '<<: ',
    '${env:X}',
    '${',
    '|',
    '>',
    '#',
    '\t',
    '---',
    '...',
    '!t',
    '%',
    '@',
    '漢',
    '😀',
    '\u0000',
    '\r\n',
    'a',
    'model',
    'tools',
    'limits',
    'input',
    'type: object',
    'scripted/reply.yaml',
    '__proto__',
    'null',
    '1e999',
    'serve',
    'include',
    'fallback',
  ];
  const text = fc.oneof(
    fc.array(fc.constantFrom(...words), { maxLength: 60 }).map((parts) => parts.join('')),
    fc.array(fc.constantFrom(...words), { maxLength: 40 }).map((parts) => `${minimal()}${parts.join('')}`),
    fc.string({ unit: 'binary', maxLength: 200 }),
  );
  const cwd = await folderWith({ 'reply.yaml': '', 'agents.yaml': '' });
  await mkdir(join(cwd, 'agents'));
  await fc.assert(
    fc.asyncProperty(text, fc.boolean(), async (text, asCard) => {
      await writeFile(join(cwd, 'agents.yaml'), asCard ? minimal() : text);
      await writeFile(
        join(cwd, 'agents', 'card.md'),
        asCard ? `---\n${text}\n---\nbody` : '---\ndescription: x\n---\n',
      );
      const loaded = await loadConfig({ cwd, env: {} });
      const problems = loaded.ok ? loaded.warnings : loaded.problems;
      expect(loaded.ok || problems.some(({ severity }) => severity === 'error')).toBe(true);
      formatProblems(problems, { color: true, width: 50 });
      for (const { file, line, col, excerpt } of problems) {
        if (line === 0) continue;
        const lines = (await readFile(join(cwd, file), 'utf8')).split('\n');
        expect(line).toBeLessThanOrEqual(lines.length);
        expect(col).toBeLessThanOrEqual((lines[line - 1] ?? '').length + 1);
        expect(excerpt).toBeDefined();
      }
    }),
    { numRuns: 60 },
  );
});
