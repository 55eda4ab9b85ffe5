import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cli, folder, repository } from './run-cli.ts';

describe('examples', () => {
  test.each([
    ['claude-agent', 'commit-writer', 'diff --git a/docs/x.md', 'docs: say what changed\n'],
    ['structured-output', 'triage', '{"title": "Crash on start"}', /"kind": "bug",\n {2}"urgency": 2/],
    ['panel', 'chair', 'We rewrite it.', /^The optimist: I read the plan.*\nThe sceptic: /],
  ])('%s is valid and runs without a key', async (example, agent, message, answer) => {
    const where = await folder();
    const file = join(repository, 'examples', example, 'agents.yaml');
    const [valid, ran] = await Promise.all([
      cli(where, ['-c', file, 'validate', '--json']),
      cli(where, ['-q', '-c', file, 'run', agent, message]),
    ]);
    expect(JSON.parse(valid.out)).toMatchObject({ ok: true });
    expect(ran).toMatchObject({ code: 0, err: '' });
    expect(ran.out).toMatch(answer);
    await where.remove();
  });
});

describe('the demo', () => {
  test('answers from real files with their places, has a report written, and says what is next', async () => {
    // A copy of what it needs, so that its desk is its own.
    const where = await folder();
    const copy = join(where.path, 'repository');
    await mkdir(copy);
    for (const part of ['src', 'agents', 'agents.yaml', 'package.json'])
      await cp(join(repository, part), join(copy, part), { recursive: true });
    await symlink(join(repository, 'node_modules'), join(copy, 'node_modules'));
    const library = join(where.path, 'library');
    await mkdir(library);
    await writeFile(
      join(library, 'bees.md'),
      '# Bees\n\nSome text.\n\nA queen bee lays up to two thousand eggs on a summer day.\n',
    );
    await writeFile(join(library, 'ants.md'), '# Ants\n\nAnts carry fifty times their weight.\n');

    const program = join(copy, 'src/cli/demo.ts');
    const { code, out, err } = await cli(where, ['How many eggs does a queen lay? Write a report.'], {
      program,
      env: { LIBRARY: library },
    });
    expect(err).toContain('librarian > editor: desk__write_file');
    expect(err).toMatch(/Ask more .*\nServe it .*install claude-code.*\nYour own .*\n$/);
    expect(out).toContain('bees.md:5\n  > A queen bee lays up to two thousand eggs on a summer day.');
    expect(out).not.toContain('Ants carry');
    expect(code).toBe(0);
    const report = await readFile(join(copy, 'agents/desk/report.md'), 'utf8');
    expect(report).toContain('# How many eggs does a queen lay?');
    expect(report).toContain('## bees.md\n\nLine 5:\n\n> A queen bee lays');
    await where.remove();
  });

  test('says so where the files say nothing', async () => {
    const where = await folder({ 'library/ants.md': 'Ants carry fifty times their weight.\n' });
    const file = join(repository, 'agents.yaml');
    const env = { LIBRARY: join(where.path, 'library') };
    const { code, out } = await cli(where, ['-q', '-c', file, 'run', 'librarian', 'Quantum chromodynamics?'], { env });
    expect(out).toContain('I read 1 file and found nothing about: Quantum chromodynamics?');
    expect(code).toBe(0);
    await where.remove();
  });
});
