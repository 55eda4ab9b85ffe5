/**
 * Random `kill -9` of the whole server, over agents with unsafe, idempotent and read tools on stdio and HTTP servers.
 *
 * To be shown: no acknowledged task is lost, no unsafe effect is doubled or left out, every call that a kill left unknown
 * is asked about, every task ends. With three levels, Deputy under Deputy, the same of all of them, and the top is where it
 * is asked. The control shows that the same kills double effects where nothing is asked.
 */
import { killOneLevel } from './one-level.ts';
import { readOptions, usage } from './options.ts';
import { faultsIn, report } from './report.ts';
import { killThreeLevels } from './three-levels.ts';

export async function kill(args: string[]): Promise<void> {
  const options = readOptions(args);
  if (options === 'help') {
    process.stdout.write(usage);
    return;
  }
  const figures = await (options.levels === 3 ? killThreeLevels(options) : killOneLevel(options));
  process.stdout.write(options.json ? `${JSON.stringify(figures, null, 2)}\n` : report(figures));
  const faults = faultsIn(figures, options);
  for (const fault of faults) process.stderr.write(`FAILED: ${fault}\n`);
  if (faults.length > 0) process.exitCode = 1;
}
