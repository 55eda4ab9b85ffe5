/** Durations, sizes and money as people write them. */

/** A value, or what is wrong with the way it was written (a predicate: "must be ..."). */
export type Reading = { value: number } | { fault: string };

const unitMs: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 };
const unitOrder = Object.keys(unitMs);

/** The longest that a timer can wait (2^31 - 1 ms is 24.8 days). */
const longestDays = 24;

/** `90s`, `20m`, `1h30m`, `1.5h`, `250ms`, `2d`; milliseconds. */
export function readDuration(written: string | number): Reading {
  const text = String(written).trim();
  if (/^\d+(\.\d+)?$/.test(text))
    return { fault: `must say its unit: "${text}s" for seconds, "${text}ms", "${text}m"` };
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?) ?([a-z]+) ?/gy)];
  const units = parts.map((part) => unitOrder.indexOf(part[2] ?? ''));
  const isWhole = parts.reduce((length, part) => length + part[0].length, 0) === text.length;
  const isDescending = units.every((unit, index) => unit !== -1 && unit > (units[index - 1] ?? -1));
  if (parts.length === 0 || !isWhole || !isDescending) {
    return { fault: `must be a duration like 90s, 20m, 4h or 1h30m, not ${quoted(written)}` };
  }
  const total = Math.round(parts.reduce((sum, part) => sum + Number(part[1]) * (unitMs[part[2] ?? ''] ?? 0), 0));
  if (total < 1) return { fault: 'must be longer than nothing' };
  if (total > longestDays * 86_400_000) return { fault: `must be at most ${longestDays}d` };
  return { value: total };
}

/** `400k`, `1.5M`, `200_000`, 4096. */
export function readSize(written: string | number): Reading {
  const match = /^(\d[\d_]*(?:\.\d+)?) ?([kKM]?)$/.exec(String(written).trim());
  if (match === null) return { fault: `must be a size like 4096, 400k or 2M, not ${quoted(written)}` };
  const factor = match[2] === '' ? 1 : match[2] === 'M' ? 1_000_000 : 1000;
  // Cutting the noise of binary fractions: 0.29 * 100 is 28.999999999999996.
  const total = Number((Number(match[1]?.replaceAll('_', '')) * factor).toPrecision(15));
  if (!Number.isSafeInteger(total)) return { fault: `must come to a whole number, not ${quoted(written)}` };
  return total < 1 ? { fault: 'must be at least 1' } : { value: total };
}

/** `2 USD`, `$2`, `$0.50`, `0.5 USD`; US dollars. */
export function readMoney(written: string | number): Reading {
  const text = String(written).trim();
  const match = /^\$ ?(\d+(?:\.\d+)?)(?: ?USD)?$|^(\d+(?:\.\d+)?) ?USD$/i.exec(text);
  if (match === null) {
    if (/^\d+(\.\d+)?$/.test(text)) return { fault: `must say its currency: "${text} USD"` };
    const other = /\b([A-Z]{3})\b|[€£¥]/.exec(text);
    const why = other === null ? '' : ' (prices are known in US dollars only)';
    return { fault: `must be an amount like 2 USD or $0.50, not ${quoted(written)}${why}` };
  }
  const value = Number(match[1] ?? match[2]);
  return value > 0 && Number.isFinite(value) ? { value } : { fault: 'must be more than nothing' };
}

const quoted = (written: string | number): string => JSON.stringify(written).slice(0, 60);
