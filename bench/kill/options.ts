import { parseArgs } from 'node:util';

export interface Options {
  kills: number;
  /** 3: a Deputy on stdio under one over HTTP under one over HTTP. */
  levels: 1 | 3;
  /** Unsafe tools are declared idempotent: what happens without intents that are asked about. */
  control: boolean;
  json: boolean;
}

export const usage = `npm run bench -- kill [options]

  --kills N    how often the whole server is killed (default 1000; 30 in CI, 10000 for a night)
  --levels N   3: a Deputy on stdio under one over HTTP under one over HTTP; any of them is killed, also two at once
               (default 1; 50 kills in CI)
  --control    unsafe tools are declared idempotent: effects must be doubled, or the bench shows nothing
  --json       print the figures as JSON
`;

/** @throws Error that names the option. */
export function readOptions(args: string[]): Options | 'help' {
  const { values } = parseArgs({
    args,
    options: {
      kills: { type: 'string', default: '1000' },
      levels: { type: 'string', default: '1' },
      control: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  const kills = Number(values.kills);
  if (!Number.isInteger(kills) || kills < 1) throw new Error(`--kills: "${values.kills}" is no whole number above 0.`);
  const levels = values.levels === '1' ? 1 : values.levels === '3' ? 3 : undefined;
  if (levels === undefined) throw new Error(`--levels: "${values.levels}" is neither 1 nor 3.`);
  return { kills, levels, control: values.control, json: values.json };
}
