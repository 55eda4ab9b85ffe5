/** A person approves the first file, and by that the others; afterwards the project's own tests still pass. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { approvals, approve, runAttended } from '../decide.ts';
import { check, type Place, say, scratch } from '../deputy.ts';

const packages = ['billing', 'booking', 'cinema', 'garage', 'school', 'studio'];

export async function codeMigration(): Promise<void> {
  const folder = scratch('migration');
  const project = join(folder, 'project');
  for (const name of packages) {
    mkdirSync(join(project, name), { recursive: true });
    cpSync(join(import.meta.dirname, 'project'), join(project, name), { recursive: true });
  }
  const files = filesOf(project);
  say(`${files.length} files of CommonJS in ${project}`);
  testsPass(project);

  const place: Place = {
    folder: import.meta.dirname,
    env: { PROJECT: project, STORE: join(folder, 'store', 'deputy.db') },
  };
  let decided = 0;
  const { code, out } = await runAttended(place, ['migration', 'Move this project to ES modules.'], async () => {
    const before = files.filter((file) => !isCommonJs(file));
    if (decided === 0) check(before.length === 0, 'nothing is written before a person approved it');
    // Those that asked before the first answer came have asked: they are answered as well.
    for (const waiting of await approvals(place)) await approve(place, waiting, '--for', 'task');
    decided += 1;
  });
  say(JSON.parse(out).answer);
  check(code === 0, 'the task has ended well');
  check(
    files.every((file) => !isCommonJs(file)),
    `all ${files.length} files are ES modules`,
  );
  testsPass(project);
}

const filesOf = (project: string): string[] =>
  readdirSync(project, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.js'))
    .map((name) => join(project, name));

const isCommonJs = (file: string): boolean => /\brequire\(|\bexports\b/.test(readFileSync(file, 'utf8'));

function testsPass(project: string): void {
  for (const name of packages) execFileSync(process.execPath, ['test/all.js'], { cwd: join(project, name) });
  say(`✓ the tests of the ${packages.length} packages pass`);
}
