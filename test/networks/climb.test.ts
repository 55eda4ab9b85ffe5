/** Questions over three real processes: HTTP under HTTP, and stdio under that. `npm run bench -- climb` is the same, larger. */
import { describe, expect, it } from 'vitest';
import { playClimb } from '../../bench/climb/play.ts';
import type { Pins } from '../../bench/climb/network.ts';

const tasks = 3;

describe.each<{ era: string; pins: Pins }>([
  { era: 'the newest era', pins: {} },
  { era: 'a hop of 2025-11-25 over HTTP', pins: { root: '2025-11-25' } },
  { era: 'a hop of 2025-11-25 on stdio', pins: { middle: '2025-11-25' } },
])('approvals from leaves three levels down, with $era', ({ pins }) => {
  it('are open at the top together, are asked once, and are answered where they were asked', async () => {
    const { atOnce, typed, faults } = await playClimb({ tasks, seed: 11, pins, typed: 2 });

    expect(faults).toEqual([]);
    expect(atOnce).toBe(8 * tasks);
    expect(typed).toBe(2);
  });
});
