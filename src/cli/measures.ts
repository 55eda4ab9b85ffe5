/** Amounts on the command line, written as people write them. */
import { UsageError } from '../errors.ts';

const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** `90s`, `20m`, `1h30m`; a bare number is seconds. */
export function readMilliseconds(text: string): number {
  const bare = /^\d+(\.\d+)?$/.test(text) ? `${text}s` : text;
  const parts = [...bare.matchAll(/(\d+(?:\.\d+)?) ?(ms|s|m|h) ?/g)];
  const ms = parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (units[unit ?? ''] ?? 0), 0);
  if (parts.map(([part]) => part).join('') !== bare || ms <= 0)
    throw new UsageError('Write a time such as 90s, 20m or 1h30m.');
  // Beyond it, timers fire at once.
  return Math.min(Math.round(ms), 2 ** 31 - 1);
}

/** `0.50`, `$0.50`, `2 USD`. */
export function readDollars(text: string): number {
  const amount = /^\$? ?(\d+(?:\.\d+)?)(?: ?USD)?$/.exec(text)?.[1];
  if (amount === undefined) throw new UsageError('Write an amount in US dollars, such as 0.50.');
  return Number(amount);
}

export function readCount(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new UsageError('Write a whole number from 1 on.');
  return Number(text);
}
