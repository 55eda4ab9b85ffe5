/** A disk that is really full: a small file system of our own, in a mount namespace that nobody else sees. */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'deputy-full-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const child = new URL('store-full-disk-child.ts', import.meta.url).pathname;
const look = new URL('store-full-disk-look.ts', import.meta.url).pathname;
const mount = `mount -t tmpfs -o size=3m,mode=700 tmpfs '${folder}'`;
const namespace = ['--user', '--map-root-user', '--mount', 'sh', '-c'];
const mayMount = spawnSync('unshare', [...namespace, mount]).status === 0;

test.skipIf(!mayMount)(
  'a full disk refuses new tasks, loses none that it took, and all go on when there is room (left out where no file system may be mounted)',
  async () => {
    const script = `${mount} && head -c 1500000 /dev/zero > '${folder}/ballast' &&
      '${process.execPath}' '${child}' '${folder}' && '${process.execPath}' '${look}' '${folder}'`;
    const { stdout } = await promisify(execFile)('unshare', [...namespace, script]);
    const [lived, found] = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lived?.['refusal']).toEqual(['E_UNAVAILABLE', expect.stringContaining('its disk is full')]);
    expect(lived).toMatchObject({ again: 'E_UNAVAILABLE', failed: 0 });
    const ids = lived?.['acknowledged'] as string[];
    expect(ids.length).toBeGreaterThan(10);
    // Seen by the next process, after the room was made.
    expect(found).toEqual({
      integrity: 'ok',
      audit: 'intact',
      statuses: ids.map(() => 'completed'),
      steps: ids.map(() => 6),
    });
  },
  120_000,
);
