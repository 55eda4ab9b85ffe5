import { parseArgs } from 'node:util';

export interface Options {
  /** Runs a contestant, a round, at the highest concurrency; at 1 at once a quarter of them. */
  runs: number;
  /** How many runs at the same time: one column of figures each. */
  atOnce: number[];
  rounds: number;
  peers: boolean;
  json: boolean;
}

export const usage = `npm run bench -- overhead [options]

  --runs N         runs a contestant and round (default 128; one at a time a quarter of that)
  --at-once A,B    runs at the same time (default 1,64)
  --rounds N       rounds; figures are medians over them (default 9)
  --quick          a slice for CI, under 40 s: 64 runs, 3 rounds
  --peers          other agent libraries beside; installs their packages in bench/peers
  --json           print the figures as JSON
`;

/** @throws Error that names the option. */
export function readOptions(args: string[]): Options | 'help' {
  const { values } = parseArgs({
    args,
    options: {
      runs: { type: 'string' },
      'at-once': { type: 'string', default: '1,64' },
      rounds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      peers: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  return {
    runs: positive('--runs', values.runs ?? (values.quick ? '64' : '128')),
    atOnce: values['at-once'].split(',').map((number) => positive('--at-once', number)),
    rounds: positive('--rounds', values.rounds ?? (values.quick ? '3' : '9')),
    peers: values.peers,
    json: values.json,
  };
}

function positive(option: string, text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number > 0) return number;
  throw new Error(`${option}: "${text}" is no whole number above 0.`);
}
