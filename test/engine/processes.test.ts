/** Real processes on one file. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, expect, test } from 'vitest';
import { createEngine } from '../../src/engine/engine.ts';
import { openSqliteStore } from '../../src/engine/sqlite/store.ts';
import { silentLog } from '../../src/log.ts';
import { collect, textOf, via } from './tasks.ts';
import { leaving } from './leaving.ts';
import { until } from './questions.ts';

const folder = mkdtempSync(join(tmpdir(), 'deputy-processes-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const childOn = (path: string, task: 'leaving' | 'listening') =>
  spawn(process.execPath, [new URL('child.ts', import.meta.url).pathname, path, task], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });

test('what is sent from one process is heard by a task of another, and a retry wakes it there', async () => {
  const path = join(folder, 'heard.db');
  const child = childOn(path, 'listening');
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  const command = createEngine({
    store: openSqliteStore(path),
    handler: () => expect.unreachable(),
    log: silentLog,
    adopts: 'own',
  });
  await command.send(line, 'ann', 'hello', via);
  await until(command, line, ({ statusMessage }) => statusMessage === 'it heard');
  await command.retry(line, 'ann', via);
  await collect(command.watch(line, 'ann'));
  expect(textOf(await command.get(line, 'ann'))).toBe('hello');
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
  await command.close();
});

test.each(['after its death', 'before it'])(
  'a task of a process that is killed goes on in one that was opened %s, and knows of the call that had left',
  async (opened) => {
    const path = join(folder, `${opened}.db`);
    const open = () =>
      createEngine({
        store: openSqliteStore(path),
        handler: leaving(() => expect.unreachable()),
        log: silentLog,
        timings: { beat: 50 },
      });
    const child = childOn(path, 'leaving');
    const lines: string[] = [];
    for await (const line of createInterface(child.stdout)) if (lines.push(line) === 2) break;
    const id = lines.find((line) => line !== 'sent') ?? '';
    expect(lines).toContain('sent');
    const early = opened === 'before it' ? open() : undefined;
    expect((await early?.get(id, 'ann'))?.status ?? 'working').toBe('working');
    child.kill('SIGKILL');
    await once(child, 'exit');
    const engine = early ?? open();
    await collect(engine.watch(id, 'ann'));
    expect(await engine.get(id, 'ann')).toMatchObject({
      status: 'completed',
      result: { content: [{ text: '{"to": "bank"}' }] },
    });
    await engine.close();
  },
);
