import { parseArgs } from 'node:util';

export interface Options {
  /** Tasks that wait for a person. */
  tasks: number;
  /** Tasks in a slow step while the others wait. */
  active: number;
  /** Seconds of `tasks/get`. */
  seconds: number;
  quick: boolean;
  json: boolean;
}

export const usage = `npm run bench -- hold [options]

  --tasks N     tasks that wait for a person (default 100000, at least 1000)
  --active N    tasks in a slow step meanwhile, at most 1000 (default 1000)
  --quick       a slice for CI, under 40 s: 3000 tasks; a target that is missed does not fail it, a lost task does
  --json        print the figures as JSON
`;

/** @throws Error that names the option. */
export function readOptions(args: string[]): Options | 'help' {
  const { values } = parseArgs({
    args,
    options: {
      tasks: { type: 'string' },
      active: { type: 'string', default: '1000' },
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  const { quick, json } = values;
  const tasks = wholeNumber('--tasks', values.tasks ?? (quick ? '3000' : '100000'), 1_000, 1_000_000);
  // As many calls as one server of agents.yaml may have side by side.
  const active = wholeNumber('--active', values.active, 1, 1_000);
  return { tasks, active, seconds: quick ? 5 : 20, quick, json };
}

function wholeNumber(option: string, text: string, least: number, most: number): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= least && number <= most) return number;
  throw new Error(`${option}: "${text}" is no whole number from ${least} to ${most}.`);
}
