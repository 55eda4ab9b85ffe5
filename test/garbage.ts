/** How much of what is over V8 finds only in a full garbage collection. */
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as (options: { type: 'minor' }) => void;

/** Characters that are on V8's heap, and nobody else's. */
export const ballast = (characters: number): string => Buffer.alloc(characters, 'x').toString('latin1');

/** Does `work` so often. @returns by how many bytes the old space has grown a time, after young collections only. */
export async function leftBehind(times: number, work: (index: number) => Promise<void>): Promise<number> {
  await work(-1);
  const before = oldSpace();
  for (let index = 0; index < times; index += 1) await work(index);
  // What survives two is moved to the old space.
  for (let collections = 0; collections < 3; collections += 1) collect({ type: 'minor' });
  return (oldSpace() - before) / times;
}

const oldSpace = (): number =>
  getHeapSpaceStatistics()
    .filter(({ space_name }) => space_name === 'old_space' || space_name === 'large_object_space')
    .reduce((sum, { space_used_size }) => sum + space_used_size, 0);
