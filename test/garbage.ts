/** How much of what is over V8 finds only in a full garbage collection. */
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as (options: { type: 'minor' }) => void;

/** Characters that are on V8's heap, and nobody else's. */
export const ballast = (characters: number): string => Buffer.alloc(characters, 'x').toString('latin1');

const tries = 5;

/**
 * Does `work` so often, in each of a few tries: what else this process does may leave something in one of them.
 * @returns by how many bytes the old space has grown a time, after young collections only; the least of the tries.
 */
export async function leftBehind(times: number, work: (index: number) => Promise<void>): Promise<number> {
  let least = Infinity;
  for (let attempt = 0; attempt < tries; attempt += 1) {
    collect({ type: 'minor' });
    const before = oldSpace();
    for (let index = 0; index < times; index += 1) await work(index);
    // What survives two is moved to the old space.
    for (let collections = 0; collections < 3; collections += 1) collect({ type: 'minor' });
    least = Math.min(least, Math.abs(oldSpace() - before) / times);
  }
  return least;
}

const oldSpace = (): number =>
  getHeapSpaceStatistics()
    .filter(({ space_name }) => space_name === 'old_space' || space_name === 'large_object_space')
    .reduce((sum, { space_used_size }) => sum + space_used_size, 0);
