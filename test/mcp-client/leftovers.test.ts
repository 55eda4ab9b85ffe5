import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { endLeftovers, instanceTag } from '../../src/mcp-client/leftovers.ts';

const sleeper = (instance: string) =>
  spawn('sleep', ['3600'], { detached: true, stdio: 'ignore', env: { [instanceTag]: instance } });

test.runIf(process.platform === 'linux')(
  'what a dead instance left running is ended, also outside of its group, and nothing else',
  async () => {
    const [dead, alive] = [randomUUID(), randomUUID()];
    const left = [sleeper(dead), sleeper(dead)];
    const other = sleeper(alive);
    await Promise.all([...left, other].map((child) => once(child, 'spawn')));
    const ended = Promise.all(left.map((child) => once(child, 'exit')));
    await endLeftovers(dead);
    expect((await ended).map(([, signal]) => signal as unknown)).toEqual(['SIGKILL', 'SIGKILL']);
    expect(other.exitCode ?? other.signalCode).toBe(null);
    other.kill('SIGKILL');
    await once(other, 'exit');
  },
);

test('where nothing was left, nothing happens', async () => {
  await endLeftovers(randomUUID());
});
