/**
 * Tasks over five Deputies, each cancelled at the root at a random moment: before anything has left, on the way down, in
 * the middle of calls at the leaf, or while the leaf waits for a person.
 *
 * To be shown: every leaf is told, no call leaves it afterwards, and nothing of the task is left open anywhere. In the
 * control the word is lost on the first hop: if nothing goes wrong there, the bench shows nothing.
 */
import { parseArgs } from 'node:util';
import { newSeed, wholeNumber } from '../networks/options.ts';
import { type Figures, playCancels } from './play.ts';

const usage = `npm run bench -- cancel [options]

  --cancels N    how many tasks are cancelled (default 500; 50 in CI)
  --seed N       their moments (default: by the clock; every report names it)
  --quick        a target of time that is missed does not fail it
`;

const controlCancels = 6;

export async function cancel(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      cancels: { type: 'string', default: '500' },
      seed: { type: 'string', default: newSeed() },
      quick: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return;
  }
  const cancels = wholeNumber('--cancels', values.cancels, 1, 100_000);
  const seed = wholeNumber('--seed', values.seed, 0, 2 ** 32);
  const figures = await playCancels({ cancels, seed, isControl: false });
  const control = await playCancels({ cancels: controlCancels, seed, isControl: true });
  process.stdout.write(report(seed, figures, control));
  const faults = [...figures.faults, ...(values.quick ? [] : figures.late)];
  if (control.faults.length === 0) faults.push('the control went right: the bench shows nothing');
  for (const fault of faults.slice(0, 30)) process.stderr.write(`FAILED: ${fault}\n`);
  if (faults.length > 0) process.exitCode = 1;
}

const report = (
  seed: number,
  { cancels, leaves, told, calls, lastCall, late, faults }: Figures,
  control: Figures,
): string =>
  [
    `${cancels} cancels at depth 5, hops of 2026 and 2025 over HTTP and stdio; seed ${seed}`,
    `${leaves} had come to a leaf; told after p50 ${told.p50} ms, p99 ${told.p99} ms, at most ${told.most} ms`,
    `${calls} calls at the leaf's server; the last one arrived ${lastCall} ms after its leaf had acknowledged (below 0: before)`,
    `${late.length} of them late: told, or still calling, after more than a second`,
    `${faults.length} faults: calls that left after the acknowledgement, tasks left open, tasks that ended otherwise`,
    `the control, where the word is lost on the first hop: ${control.faults.length} faults`,
    '',
  ].join('\n');
