/** A server that keeps failing is left alone for a while. */
import { describe, expect, test } from 'vitest';
import { breaker, breakerBounds, type Ticket } from '../../src/mcp-client/breaker.ts';
import { callClock } from '../../src/mcp-client/call-clock.ts';
import { call, http, open, openHostile, said, toolOf } from './peers.ts';
import { taskPeer } from './task-peer.ts';

function at() {
  const clock = { now: 0 };
  const one = breaker({ ...breakerBounds, now: () => clock.now });
  const admitted = (): Ticket => {
    const ticket = one.admit();
    if (typeof ticket === 'number') throw new Error(`left alone for ${ticket} ms`);
    return ticket;
  };
  return { clock, one, admitted };
}

describe('a breaker', () => {
  test('opens after five failures in a row within half a minute, for fifteen seconds', () => {
    const { clock, one, admitted } = at();
    for (let n = 0; n < 5; n += 1) admitted()('badly');
    expect(one.admit()).toBe(15_000);
    clock.now += 14_999;
    expect(one.admit()).toBe(1);
  });

  test('stays closed where the failures are far apart, or a success is between', () => {
    const { clock, admitted } = at();
    for (let n = 0; n < 20; n += 1) {
      admitted()('badly');
      clock.now += 8_000;
    }
    clock.now += 30_000;
    for (let n = 0; n < 20; n += 1) admitted()(n % 4 === 3 ? 'well' : 'badly');
    admitted();
  });

  test('then lets one call try, whose end decides', () => {
    const { clock, one, admitted } = at();
    for (let n = 0; n < 5; n += 1) admitted()('badly');
    clock.now += 15_000;
    const probe = admitted();
    expect(one.admit()).toBe(1_000);
    probe('badly');
    expect(one.admit()).toBe(15_000);
    clock.now += 15_000;
    admitted()('well');
    admitted()('badly');
    admitted();
  });

  test('whose try says nothing lets the next one try', () => {
    const { clock, admitted } = at();
    for (let n = 0; n < 5; n += 1) admitted()('badly');
    clock.now += 15_000;
    admitted()('untold');
    admitted()('well');
    admitted();
  });

  test('is not held open by calls that began before it opened', () => {
    const { clock, one, admitted } = at();
    const late = [1, 2, 3].map(() => admitted());
    for (let n = 0; n < 5; n += 1) admitted()('badly');
    clock.now += 10_000;
    late.forEach((ticket) => ticket('badly'));
    expect(one.admit()).toBe(5_000);
  });
});

describe('a server', () => {
  test.each([false, true])('that nobody listens for is left alone, and tried again (it may ask: %s)', async (asks) => {
    let now = 1_000;
    const peer = await taskPeer({});
    const servers = open(http(peer.url, { asks }), { now: () => now });
    const tool = await toolOf(servers, 'web/act');
    await peer.stop();
    const outcomes = [];
    for (let n = 0; n < 6; n += 1) outcomes.push(said(await call(tool)));
    expect(outcomes[4]).toContain('nothing listens there');
    expect(outcomes[5]).toBe(
      'web/act was not called: the server "web" failed again and again and is left alone; it is tried again in 15 s.',
    );
    now += 15_000;
    expect(said(await call(tool))).toContain('nothing listens there');
    expect(said(await call(tool))).toContain('is left alone');
  });

  test('that fails by itself is left alone', async () => {
    const peer = await taskPeer({ 'tools/call': () => ({ status: 503 }) });
    for (let n = 0; n < 5; n += 1) expect(said(await peer.act())).toContain('HTTP 503');
    expect(said(await peer.act())).toContain('is left alone');
  });

  test('that gives no sign of life is left alone', async () => {
    const peer = await taskPeer({ 'tools/call': () => undefined }, { server: { idleTimeout: 500 } });
    await Promise.all(Array.from({ length: 5 }, async () => expect(said(await peer.act())).toContain('idle')));
    expect(said(await peer.act())).toContain('is left alone');
  });

  test('whose tools fail is not', async () => {
    const bad = await taskPeer({ 'tools/call': () => ({ error: { code: -32_000, message: 'no' } }) });
    for (let n = 0; n < 8; n += 1) expect(said(await bad.act())).toContain('web/act failed: no');
    const failing = await taskPeer({
      'tools/call': () => ({ result: { isError: true, content: [{ type: 'text', text: 'no flour' }] } }),
    });
    for (let n = 0; n < 8; n += 1) expect(said(await failing.act())).toBe('no flour');
  });

  test('that dies is started again in its own time, and not left alone as well', async () => {
    const peer = openHostile('dies-in-call');
    for (let n = 0; n < 5; n += 1) expect(said(await peer.act())).toContain('died while');
    expect(said(await peer.act())).not.toContain('left alone');
    expect(said(await peer.act())).toContain('is set aside');
  });
});

describe('the time of a call', () => {
  test('stands still while it is paused, and goes on behind the last pause', async () => {
    const clock = callClock({ hard: 60, idle: 30 });
    const goOn = [clock.pause(), clock.pause()];
    await new Promise((resolve) => setTimeout(resolve, 120));
    goOn[0]?.();
    goOn[0]?.();
    await new Promise((resolve) => setTimeout(resolve, 120));
    expect(clock.signal.aborted).toBe(false);
    goOn[1]?.();
    await new Promise((resolve) => clock.signal.addEventListener('abort', resolve, { once: true }));
    expect(clock.over).toBe('idle');
  });

  test('is over in all whatever its signs of life', async () => {
    const clock = callClock({ hard: 100, idle: 5_000 });
    const timer = setInterval(() => clock.signOfLife(), 5);
    await new Promise((resolve) => clock.signal.addEventListener('abort', resolve, { once: true }));
    clearInterval(timer);
    expect(clock.over).toBe('hard');
  });
});
