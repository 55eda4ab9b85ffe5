/** When we go, in whatever way, what we started goes with us. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { isAlive, until } from './peers.ts';

test.each(['exit', 'throw', 'SIGTERM', 'SIGKILL'])('on %s', async (how) => {
  const folder = mkdtempSync(join(tmpdir(), 'holder-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const notes = join(folder, 'notes');
  const holder = spawn(process.execPath, [join(import.meta.dirname, 'holder.ts'), notes, how], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const exited = once(holder, 'exit');
  await once(holder.stdout, 'data');
  const pids = readFileSync(notes, 'utf8')
    .split('\n')
    .flatMap((line) => (line.startsWith('pid ') ? [Number(line.slice(4))] : []));
  expect(pids).toHaveLength(2);
  if (how.startsWith('SIG')) holder.kill(how as NodeJS.Signals);
  await exited;
  expect(await until(() => !pids.some(isAlive))).toBe(true);
});
