/**
 * Questions climb: tasks over three levels of Deputies, each with eight approvals open at once from different leaves, all
 * answered at the top in random order, over MCP and at the command line.
 *
 * To be shown: every answer reaches the call whose arguments were shown, and no other; nothing is asked twice; every
 * question names all who ask, from the top to the leaf. In the control the person mixes up the questions: what comes of it
 * must be noticed, or the bench shows nothing.
 */
import { parseArgs } from 'node:util';
import { newSeed, wholeNumber } from '../networks/options.ts';
import { playClimb, type Figures } from './play.ts';
import type { Pins } from './network.ts';

const usage = `npm run bench -- climb [options]

  --tasks N    tasks side by side, eight approvals each (default 100; 12 in CI)
  --seed N     the order of the answers, and what they are (default: by the clock; every report names it)
`;

const controlTasks = 2;

/** One after the other: all of 2026, the middle hop of 2025 over HTTP, and over stdio. */
const eras: readonly { name: string; pins: Pins }[] = [
  { name: 'as negotiated', pins: {} },
  { name: '2025-11-25 from the root to the middle', pins: { root: '2025-11-25' } },
  { name: '2025-11-25 from the middle to the leaves', pins: { middle: '2025-11-25' } },
];

export async function climb(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      tasks: { type: 'string', default: '100' },
      seed: { type: 'string', default: newSeed() },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return;
  }
  const tasks = wholeNumber('--tasks', values.tasks, 1, 1_000);
  const seed = wholeNumber('--seed', values.seed, 0, 2 ** 32);
  process.stdout.write(`${tasks} tasks with 8 approvals each; seed ${seed}\n`);
  for (const { name, pins } of eras) {
    const figures = await playClimb({ tasks, seed, pins, typed: Math.min(10, Math.ceil(tasks / 4)) });
    process.stdout.write(`${name}: ${told(figures)}\n`);
    for (const fault of figures.faults.slice(0, 20)) process.stderr.write(`FAILED: ${fault}\n`);
    if (figures.faults.length > 0) process.exitCode = 1;
  }
  const control = await playClimb({ tasks: controlTasks, seed, pins: {}, typed: 0, isMixedUp: true });
  process.stdout.write(`the control, where answers are mixed up: ${control.faults.length} faults\n`);
  if (control.faults.length > 0) return;
  process.stderr.write('FAILED: the control went right: the bench shows nothing\n');
  process.exitCode = 1;
}

const told = ({ atOnce, answered, typed, paid, faults, seconds }: Figures): string =>
  `${atOnce} questions open at once, ${answered} answered (${typed} at the command line), ${paid} payments; ` +
  `${faults.length} misrouted, asked twice or in the wrong chain; ${seconds.toFixed(1)} s`;
