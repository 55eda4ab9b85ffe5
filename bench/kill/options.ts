import { parseArgs } from 'node:util';

export interface Options {
  kills: number;
  /** Unsafe tools are declared idempotent: what happens without intents that are asked about. */
  control: boolean;
  json: boolean;
}

export const usage = `npm run bench -- kill [options]

  --kills N    how often the whole server is killed (default 1000; 30 in CI, 10000 for a night)
  --control    unsafe tools are declared idempotent: effects must be doubled, or the bench shows nothing
  --json       print the figures as JSON
`;

/** @throws Error that names the option. */
export function readOptions(args: string[]): Options | 'help' {
  const { values } = parseArgs({
    args,
    options: {
      kills: { type: 'string', default: '1000' },
      control: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  const kills = Number(values.kills);
  if (!Number.isInteger(kills) || kills < 1) throw new Error(`--kills: "${values.kills}" is no whole number above 0.`);
  return { kills, control: values.control, json: values.json };
}
