/**
 * What a process that died left running. Our guard ends the groups of our children when we die; a child that left its
 * group is out of its reach, and goes on acting. Each child carries our instance's name in its environment, and what it
 * starts inherits it: by that it is found (Linux only: elsewhere there is no /proc, and the guard must do).
 */
import { randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** Names this process to those that share its store, and its children to those that come after it. */
export const thisInstance = randomUUID();
export const instanceTag = 'DEPUTY_INSTANCE';

/** How long the killed may take to be gone: one that hangs in the kernel acts no more. */
const longestMs = 2_000;

/** Ends with SIGKILL whatever still carries the instance's name. Never rejects. */
export async function endLeftovers(instance: string): Promise<void> {
  const until = Date.now() + longestMs;
  for (;;) {
    const left = await taggedWith(instance);
    if (left.length === 0 || Date.now() > until) return;
    for (const pid of left) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // Gone meanwhile.
      }
    }
    await sleep(10);
  }
}

async function taggedWith(instance: string): Promise<number[]> {
  const names = await readdir('/proc').catch(() => []);
  const pids = names.map(Number).filter((pid) => pid > 0 && pid !== process.pid);
  const isTagged = await Promise.all(
    pids.map(async (pid) => {
      // That of others cannot be read, that of the dead is empty.
      const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
      return environment.split('\0').includes(`${instanceTag}=${instance}`);
    }),
  );
  return pids.filter((_, index) => isTagged[index]);
}
