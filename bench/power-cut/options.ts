import { parseArgs } from 'node:util';

export interface Options {
  images: number;
  /** Only the store without barriers. */
  control: boolean;
  /** Chooses the cuts and what survives them. */
  seed: number;
  json: boolean;
}

export const usage = `npm run bench -- powercut [options]

  --images N    after how many power cuts the store is opened (default 5000; 500 in CI)
  --control     only the control, with all the images: no barriers, it must lose something
  --seed N      chooses the moments and what survives (default: another one each time)
  --json        print the figures as JSON

It needs strace, on Linux: apt-get install strace
`;

/** @throws Error that names the option. */
export function readOptions(args: string[]): Options | 'help' {
  const { values } = parseArgs({
    args,
    options: {
      images: { type: 'string', default: '5000' },
      control: { type: 'boolean', default: false },
      seed: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  return {
    images: wholeNumber('--images', values.images, 1),
    control: values.control,
    seed: wholeNumber('--seed', values.seed ?? String(Math.floor(Math.random() * 2 ** 32)), 0),
    json: values.json,
  };
}

function wholeNumber(option: string, text: string, least: number): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= least && number < 2 ** 32) return number;
  throw new Error(`${option}: "${text}" is no whole number from ${least} to ${2 ** 32 - 1}.`);
}
