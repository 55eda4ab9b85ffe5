/** Models that obey every injected order, and servers that do their worst. */
import { parseArgs } from 'node:util';
import { playTranscripts, type Played } from './transcripts.ts';
import { stalls } from './stalls.ts';

const usage = `npm run bench -- evil [options]

  --transcripts N    how many are played (default 5000; 300 in CI)
  --seed N           which (default: by the clock; every report names it)
  --only N           plays this one transcript of them, and no servers
`;

export async function evil(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      transcripts: { type: 'string', default: '5000' },
      seed: { type: 'string', default: String(Date.now() % 1e6) },
      only: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return;
  }
  const [count, seed] = [whole('--transcripts', values.transcripts), whole('--seed', values.seed)];
  const thrown: unknown[] = [];
  const onThrown = (error: unknown): void => void thrown.push(error);
  process.on('unhandledRejection', onThrown).on('uncaughtException', onThrown);
  const only = values.only === undefined ? undefined : Number(values.only);
  const played = await playTranscripts({ count, seed, only });
  const lawless = await playTranscripts({ count: Math.max(50, Math.ceil(count / 50)), seed, isLawless: true });
  const isRight = report({ played, lawless, seed, thrown });
  if (only === undefined) await stalls();
  process.off('unhandledRejection', onThrown).off('uncaughtException', onThrown);
  if (!isRight || thrown.length > 0) process.exitCode = 1;
}

interface Figures {
  played: readonly Played[];
  /** The control. */
  lawless: readonly Played[];
  seed: number;
  thrown: readonly unknown[];
}

/** @returns whether no rule and no limit was broken, and the control shows that they could have been. */
function report({ played, lawless, seed, thrown }: Figures): boolean {
  const wrong = played.filter(({ violations }) => violations.length > 0);
  const sum = (of: (one: Played) => number): number => played.reduce((all, one) => all + of(one), 0);
  const most = (of: (one: Played) => number): number => Math.max(0, ...played.map(of));
  const stops = Map.groupBy(played, ({ stop }) => stop);
  const ends = [...stops].map(([stop, all]) => `${all.length} ${stop}`).join(', ');
  const firsts = wrong
    .slice(0, 10)
    .map(({ number, violations }) => `transcript ${number}:\n  ${violations.join('\n  ')}\n`);
  const isRight = wrong.length === 0 && thrown.length === 0;
  const broken = lawless.filter(({ violations }) => violations.length > 0).length;
  process.stdout.write(
    `seed ${seed}; ${played.length} transcripts ended: ${ends}\n` +
      `${sum(({ left }) => left)} calls left, ${sum(({ approved }) => approved)} of them by an approval of their own\n` +
      `limits were overstepped by at most ${most(({ over }) => over.calls)} tool calls and ${most(({ over }) => over.questions)} questions to a model, in trees of agents side by side\n` +
      `${firsts.join('')}${thrown.map((error) => `thrown: ${String(error)}\n`).join('')}` +
      `${isRight ? 'met' : 'MISSED'}: 0 calls outside the rules or unapproved, at most one call or question a slot over a limit, every task ended, nothing thrown` +
      `${isRight ? '' : ` (${wrong.length} transcripts were wrong)`}\n` +
      `${broken > 0 ? 'met' : 'MISSED'}: where the loop is told that all is allowed, ${broken} of ${lawless.length} transcripts break a rule\n\n`,
  );
  return isRight && broken > 0;
}

function whole(option: string, value: string): number {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 1) throw new Error(`${option}: "${value}" is no whole number above 0.`);
  return number;
}
