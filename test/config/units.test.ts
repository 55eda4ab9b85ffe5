import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readDuration, readMoney, readSize } from '../../src/config/units.ts';

describe('durations', () => {
  test.each([
    ['90s', 90_000],
    ['20m', 1_200_000],
    ['4h', 14_400_000],
    ['1h30m', 5_400_000],
    ['1h 30m', 5_400_000],
    ['1.5h', 5_400_000],
    ['250ms', 250],
    ['2d', 172_800_000],
  ])('%s is %i ms', (text, value) => expect(readDuration(text)).toEqual({ value }));

  test.each([
    [30, 'must say its unit: "30s" for seconds, "30ms", "30m"'],
    ['30', 'must say its unit: "30s" for seconds, "30ms", "30m"'],
    ['20 minutes', 'must be a duration like 90s, 20m, 4h or 1h30m, not "20 minutes"'],
    ['30m1h', 'must be a duration like 90s, 20m, 4h or 1h30m, not "30m1h"'],
    ['1h1h', 'must be a duration like 90s, 20m, 4h or 1h30m, not "1h1h"'],
    ['', 'must be a duration like 90s, 20m, 4h or 1h30m, not ""'],
    ['-5s', 'must be a duration like 90s, 20m, 4h or 1h30m, not "-5s"'],
    ['0s', 'must be longer than nothing'],
    ['25d', 'must be at most 24d'],
  ])('%s is refused with the mend', (text, fault) => expect(readDuration(text)).toEqual({ fault }));

  test('whatever is written with units reads back as their sum', () => {
    const parts = fc.record({ d: fc.nat(20), h: fc.nat(30), m: fc.nat(90), s: fc.nat(90), ms: fc.nat(999) });
    fc.assert(
      fc.property(parts, ({ d, h, m, s, ms }) => {
        const text = Object.entries({ d, h, m, s, ms })
          .filter(([, count]) => count > 0)
          .map(([unit, count]) => `${count}${unit}`)
          .join('');
        const value = (((d * 24 + h) * 60 + m) * 60 + s) * 1000 + ms;
        fc.pre(value > 0 && value <= 24 * 86_400_000);
        expect(readDuration(text)).toEqual({ value });
      }),
    );
  });
});

describe('sizes', () => {
  test.each([
    ['400k', 400_000],
    ['400K', 400_000],
    ['2M', 2_000_000],
    ['1.5M', 1_500_000],
    ['0.29k', 290],
    ['200_000', 200_000],
    [4096, 4096],
  ])('%s is %i', (text, value) => expect(readSize(text)).toEqual({ value }));

  test.each([
    ['2m', 'must be a size like 4096, 400k or 2M, not "2m"'],
    ['0.5', 'must come to a whole number, not "0.5"'],
    ['1.0001k', 'must come to a whole number, not "1.0001k"'],
    [-1, 'must be a size like 4096, 400k or 2M, not -1'],
    [0, 'must be at least 1'],
    ['9999999999999M', 'must come to a whole number, not "9999999999999M"'],
  ])('%s is refused with the mend', (text, fault) => expect(readSize(text)).toEqual({ fault }));

  test('thousands and millions read back, fractions included', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2_000_000_000 }), (value) => {
        expect(readSize(String(value))).toEqual({ value });
        expect(readSize(`${value / 1000}k`)).toEqual({ value });
        expect(readSize(`${(value / 1_000_000).toFixed(6)}M`)).toEqual({ value });
      }),
    );
  });
});

describe('money', () => {
  test.each([
    ['2 USD', 2],
    ['2usd', 2],
    ['$2', 2],
    ['$0.50', 0.5],
    ['$ 3 USD', 3],
    ['0.5 USD', 0.5],
  ])('%s is %d dollars', (text, value) => expect(readMoney(text)).toEqual({ value }));

  test.each([
    [2, 'must say its currency: "2 USD"'],
    ['2 EUR', 'must be an amount like 2 USD or $0.50, not "2 EUR" (prices are known in US dollars only)'],
    ['2€', 'must be an amount like 2 USD or $0.50, not "2€" (prices are known in US dollars only)'],
    ['lots', 'must be an amount like 2 USD or $0.50, not "lots"'],
    ['$0', 'must be more than nothing'],
  ])('%s is refused with the mend', (text, fault) => expect(readMoney(text)).toEqual({ fault }));
});
