/** Real processes on one file. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, expect, test } from 'vitest';
import { createEngine } from '../../src/engine/engine.ts';
import { openSqliteStore } from '../../src/engine/sqlite-store.ts';
import { silentLog } from '../../src/log.ts';
import { collect } from './contract.ts';
import { leaving } from './leaving.ts';

const folder = mkdtempSync(join(tmpdir(), 'deputy-processes-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

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
    const child = spawn(process.execPath, [new URL('child.ts', import.meta.url).pathname, path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
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
