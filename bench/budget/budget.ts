/**
 * A budget of tokens at the root of three Deputies whose agents think at an endpoint that counts.
 *
 * To be shown: what the endpoint gave is never more than the budget and one call a slot; and what the root's result says
 * was used is what the endpoint gave. Where the leaf is killed meanwhile, it is that or more: a crash never refunds.
 * In the control the root's budget is taken off the calls on the way: it must be overstepped, or the bench shows nothing.
 */
import { parseArgs } from 'node:util';
import { newSeed, wholeNumber } from '../networks/options.ts';
import { playBudgets, type Figures } from './play.ts';

const usage = `npm run bench -- budget [options]

  --plans N    how many random plans are played (default 200; 20 in CI); of a quarter as many the leaf is killed
  --seed N     the networks and plans (default: by the clock; every report names it)
`;

/** Each network has other limits. */
const plansANetwork = 25;
const controlPlans = 12;

export async function budget(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      plans: { type: 'string', default: '200' },
      seed: { type: 'string', default: newSeed() },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return;
  }
  const plans = wholeNumber('--plans', values.plans, 1, 100_000);
  const seed = wholeNumber('--seed', values.seed, 0, 2 ** 32 - 1);
  const faults: string[] = [];
  for (const isKilled of [false, true]) {
    const count = isKilled ? Math.ceil(plans / 4) : plans;
    const played: Figures[] = [];
    for (let done = 0; done < count; done += plansANetwork)
      played.push(await playBudgets({ seed: seed + done, plans: Math.min(plansANetwork, count - done), isKilled }));
    process.stdout.write(`${isKilled ? 'the leaf killed meanwhile' : 'undisturbed'}: ${told(played)}; seed ${seed}\n`);
    faults.push(...played.flatMap((figures) => figures.faults));
  }
  const control = await playBudgets({ seed, plans: controlPlans, isKilled: false, isBare: true });
  process.stdout.write(`the control, where nobody below knows of the budget: ${control.faults.length} faults\n`);
  if (control.faults.length === 0) faults.push('the control went right: the bench shows nothing');
  for (const fault of faults.slice(0, 30)) process.stderr.write(`FAILED: ${fault}\n`);
  if (faults.length > 0) process.exitCode = 1;
}

function told(played: readonly Figures[]): string {
  const sum = (of: (figures: Figures) => number): number => played.reduce((total, each) => total + of(each), 0);
  const most = Math.max(...played.map(({ overstepped }) => overstepped));
  return (
    `${sum(({ plans }) => plans)} plans in ${played.length} networks, ${sum(({ asked }) => asked)} questions to the model, ` +
    `${sum(({ stopped }) => stopped)} plans stopped by the budget, which was overstepped by ${most.toFixed(2)} calls a slot at most; ` +
    `${sum(({ kills }) => kills)} kills; ${sum(({ faults }) => faults.length)} faults`
  );
}
