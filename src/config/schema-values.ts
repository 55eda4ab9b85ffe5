/** Values of agents.yaml that many keys share: numbers, durations, sizes, money, lists of texts. */
import { z } from 'zod';
import { readDuration, readMoney, readSize, type Reading } from './units.ts';

/** A fault with a code and a help of its own, as a zod message; `checkShape` reads it back. */
export const coded = (code: string, message: string, help?: string): string => JSON.stringify({ code, message, help });

const reference = String.raw`^\$\{.+\}$`;

/** A number, or a reference (`${PORT:-8080}`) that came to one. */
export function number(min: number, max: number, kind: 'a whole number' | 'a number' = 'a whole number') {
  const expected = `must be ${kind} from ${min} to ${max}`;
  const written = (kind === 'a number' ? z.number() : z.int()).min(min).max(max);
  const read = z
    .string()
    .meta({ pattern: reference })
    .transform((text, context) => {
      const parsed = written.safeParse(text.trim() === '' ? undefined : Number(text));
      if (parsed.success) return parsed.data;
      context.addIssue({ code: 'custom', message: expected });
      return z.NEVER;
    });
  return z.union([written, read], { error: expected });
}

/** A number that people write with a unit. */
function measure(read: (written: string | number) => Reading, pattern: string, expected: string) {
  return z
    .union([z.string().meta({ pattern: `${pattern}|${reference}` }), z.number()], { error: expected })
    .transform((written, context) => {
      const reading = read(written);
      if ('value' in reading) return reading.value;
      context.addIssue({ code: 'custom', message: reading.fault });
      return z.NEVER;
    });
}

export const duration = () =>
  measure(readDuration, String.raw`^(\d+(\.\d+)? ?(ms|s|m|h|d) ?)+$`, 'must be a duration like 90s, 20m or 1h30m');
export const size = () =>
  measure(readSize, String.raw`^\d[\d_]*(\.\d+)? ?[kKM]?$`, 'must be a size like 4096, 400k or 2M');
export const money = () =>
  measure(readMoney, String.raw`^(\$ ?\d+(\.\d+)?( ?USD)?|\d+(\.\d+)? ?USD)$`, 'must be an amount like 2 USD or $0.50');
export const texts = () => z.array(z.string());
export const textMap = () => z.record(z.string(), z.string());
