/** A server may do what it likes: every call ends in a clear outcome, and no process is left behind. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ToolOutcome } from '../../src/agent/tool.ts';
import { UnavailableError } from '../../src/errors.ts';
import { silentLog } from '../../src/log.ts';
import { type McpServers, openServers } from '../../src/mcp-client/open-servers.ts';
import { cpuTimeSince } from '../cpu-time.ts';
import { call, isAlive, never, openHostile, quick, said, stdio, toolOf, until } from './peers.ts';

async function closed(peer: ReturnType<typeof openHostile>): Promise<void> {
  const pids = peer.pids();
  expect(pids.length).toBeGreaterThan(0);
  await peer.servers.close();
  // What was sent SIGKILL beside the child may take a moment to be gone.
  await expect.poll(() => pids.filter(isAlive)).toEqual([]);
}

describe('a server that does not come up', () => {
  test('is an error with its name, command, last words and the mend', async () => {
    const peer = openHostile('dies-at-start');
    const error = await peer.servers.tools(['bad'], never).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(UnavailableError);
    expect(String(error)).toMatch(/server "bad" \(.*hostile-server\.ts.*exit code 3/s);
    expect(String(error)).toContain('E_NO_DB at startup');
    expect(String(error)).toContain('check "command", "args" and "env" of mcpServers.bad');
    expect(peer.servers.status()[0]).toMatchObject({ state: 'failed', name: 'bad' });
    await closed(peer);
  });

  test('names a command that does not exist', async () => {
    const { servers } = openHostile('none', { command: '/no/such/command' });
    await expect(servers.tools(['bad'], never)).rejects.toThrow(/the command \/no\/such\/command was not found/);
  });

  test('names a folder that does not exist', async () => {
    const { servers } = openHostile('none', { cwd: '/no/such/folder' });
    await expect(servers.tools(['bad'], never)).rejects.toThrow(/its folder \/no\/such\/folder does not exist/);
  });

  test('is tried again by the next caller', async () => {
    const peer = openHostile('dies-at-start-once');
    // The second start, with the verdict "2025", already succeeds.
    expect(await peer.act()).toMatchObject({ isError: false });
    await closed(peer);
  });

  test('is set aside after five restarts, and tried again when the window has passed', async () => {
    let now = 1_000_000;
    const peer = openHostile('none', { command: 'sh', args: ['-c', 'exit 3'] }, { now: () => now });
    const tries = async (): Promise<string> =>
      String(await peer.servers.tools(['bad'], never).catch((error: unknown) => error));
    for (let n = 0; n < 6; n += 1) expect(await tries()).toContain('exit code 3');
    expect(await tries()).toMatch(/set aside: it was restarted 5 times.*tried again in 10 min/);
    expect(peer.servers.status()[0]?.state).toBe('quarantined');
    now += 600_001;
    expect(await tries()).toContain('exit code 3');
  });

  test('may die of the era probe, or not answer it', async () => {
    const dies = openHostile('dies-of-the-probe');
    expect(await dies.act()).toMatchObject({ isError: false });
    expect(dies.pids()).toHaveLength(2);
    const silent = openHostile('silent-on-probe', {}, { timings: { probe: 100 } });
    expect(await silent.act()).toMatchObject({ isError: false });
    expect(silent.pids()).toHaveLength(1);
  });

  test('that is a Deputy knows the probe: whatever it died of, it is spoken to as before, and waited for', async () => {
    const dies = openHostile('dies-of-the-probe', { deputy: true }, { timings: { backoff: 5, backoffMax: 10 } });
    const stop = new AbortController();
    const listed = dies.servers.tools(['bad'], stop.signal);
    await expect.poll(() => dies.pids().length, { timeout: 30_000 }).toBe(3);
    stop.abort(new Error('enough'));
    await expect(listed).rejects.toThrow('enough');
  });

  test('that reads nothing is given up in time', async () => {
    const peer = openHostile('never-reads', {}, { timings: { probe: 100, start: 1_000 } });
    await expect(peer.servers.tools(['bad'], never)).rejects.toThrow(/server "bad".*(not ready|timed out)/is);
    await closed(peer);
  });
});

describe('a call', () => {
  test('whose server dies is an outcome that calls it unknown, and the next one works', async () => {
    const peer = openHostile('dies-in-call');
    const outcome = await peer.act();
    expect(outcome.isError).toBe(true);
    expect(outcome.unknown).toBe('the server "bad" died: it ended by itself (exit code 139)');
    expect(said(outcome)).toMatch(
      /the server died while bad\/act ran: .*exit code 139.*Whether it happened is unknown.*segmentation fault/s,
    );
    expect(said(await call(await toolOf(peer.servers, 'bad/other')))).toBe('done');
    expect(peer.servers.status()[0]).toMatchObject({ state: 'ready', restarts: 1 });
    expect(peer.notes().filter((line) => line === 'call')).toHaveLength(2);
    await closed(peer);
  });

  test('that may be repeated says so', async () => {
    const peer = openHostile('dies-in-call', { tools: [{ pattern: '*', matches: () => true, effect: 'read' }] });
    const outcome = await peer.act();
    expect(said(outcome)).toContain('It may be called again.');
    expect(outcome.unknown).toBeUndefined();
  });

  test('fails at once when its server was set aside', async () => {
    const peer = openHostile('dies-in-call');
    for (let n = 0; n < 6; n += 1) expect(said(await peer.act())).toContain('died while');
    expect(said(await peer.act())).toMatch(/bad\/act was not called: the server "bad" is set aside/);
    await closed(peer);
  });

  test('without a sign of life ends at the idle time-out, and a server that hangs is started again', async () => {
    const peer = openHostile('hangs', { idleTimeout: 100 }, { timings: { ping: 200 } });
    const outcome = await peer.act();
    expect(outcome.unknown).toBe('it gave no sign of life for 0.1 s and was cancelled');
    expect(said(outcome)).toMatch(
      /no sign of life for 0\.1 s and was cancelled \(idle time-out\)\. Whether it happened is unknown/,
    );
    expect(peer.notes()).toContain('cancelled');
    expect(said(await call(await toolOf(peer.servers, 'bad/other')))).toBe('done');
    expect(peer.pids()).toHaveLength(2);
    await closed(peer);
  });

  test('without a sign of life leaves a server alone that still listens', async () => {
    const peer = openHostile('hangs-one', { idleTimeout: 100 });
    expect(said(await peer.act())).toContain('idle time-out');
    expect(said(await call(await toolOf(peer.servers, 'bad/other')))).toBe('done');
    expect(peer.pids()).toHaveLength(1);
  });

  test('stays alive by its progress, which is passed on', async () => {
    const peer = openHostile('progress', { idleTimeout: 2_000 });
    const progress: { progress: number }[] = [];
    expect(said(await peer.act({}, { progress }))).toBe('done');
    expect(progress.map((each) => each.progress)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(progress[0]).toEqual({ progress: 1, total: 8 });
  });

  test('loses no progress that comes in one piece with the answer', async () => {
    const progress: { progress: number }[] = [];
    expect(said(await openHostile('progress-with-answer').act({}, { progress }))).toBe('done');
    expect(progress).toEqual([{ progress: 1, total: 1 }]);
  });

  test('ends at the hard time-out whatever its progress', async () => {
    const peer = openHostile('progress-for-ever', { idleTimeout: 30_000, hardTimeout: 400 });
    expect(said(await peer.act())).toMatch(/took longer than 0\.4 s and was cancelled \(hard time-out\)/);
    expect(await until(() => peer.notes().includes('cancelled'))).toBe(true);
  });

  test('that is cancelled rejects with the reason and tells the server', async () => {
    const peer = openHostile('hangs-one');
    const stop = new AbortController();
    const tool = await toolOf(peer.servers, 'bad/act');
    const calling = call(tool, {}, { signal: stop.signal });
    await until(() => peer.notes().includes('call'));
    const reason = new Error('enough');
    stop.abort(reason);
    await expect(calling).rejects.toBe(reason);
    expect(await until(() => peer.notes().includes('cancelled'))).toBe(true);
  });

  test('that is cancelled before it starts sends nothing and commits nothing', async () => {
    const peer = openHostile('hangs-one', { concurrency: 1 });
    const tool = await toolOf(peer.servers, 'bad/act');
    const first = new AbortController();
    const holding = call(tool, {}, { signal: first.signal });
    await until(() => peer.notes().includes('call'));
    const stop = new AbortController();
    const commits: string[] = [];
    const waiting = call(tool, {}, { signal: stop.signal, commits });
    stop.abort(new Error('never mind'));
    await expect(waiting).rejects.toThrow('never mind');
    expect(commits).toEqual([]);
    first.abort(new Error('done'));
    await expect(holding).rejects.toThrow('done');
    expect(peer.notes().filter((line) => line === 'call')).toHaveLength(1);
  });

  test('ends when everything is closed', async () => {
    const peer = openHostile('hangs-one');
    const calling = peer.act();
    await until(() => peer.notes().includes('call'));
    await closed(peer);
    expect(said(await calling)).toMatch(/died while bad\/act ran: it was closed/);
    expect(
      said(
        await peer
          .act()
          .catch((error: unknown) => ({ content: [{ type: 'text' as const, text: String(error) }], isError: true })),
      ),
    ).toContain('closed');
  });
});

describe('stdout', () => {
  test.each(['flood-without-newline', 'flood-with-newlines'])('%s ends the connection, not us', async (mode) => {
    const peer = openHostile(mode);
    let longest = 0;
    let last = process.threadCpuUsage();
    const watch = setInterval(() => {
      longest = Math.max(longest, cpuTimeSince(last));
      last = process.threadCpuUsage();
    }, 5);
    const outcome = await peer.act();
    clearInterval(watch);
    expect(said(outcome)).toMatch(/the server died while bad\/act ran: it (sent a message over 32 MiB|flooded stdout)/);
    expect(longest).toBeLessThan(500);
    await closed(peer);
  });

  test('may not carry a message over the bound', async () => {
    const peer = openHostile('huge-message');
    expect(said(await peer.act())).toContain('sent a message over 32 MiB');
    expect(said(await call(await toolOf(peer.servers, 'bad/other')))).toBe('done');
    await closed(peer);
  });
});

test('a flood on stderr keeps nothing waiting', async () => {
  expect(said(await openHostile('stderr-flood').act())).toBe('done');
});

describe('an answer', () => {
  let servers: McpServers;
  beforeAll(() => {
    servers = openServers([stdio('bad', './hostile-server.ts', ['answers'])], { log: silentLog, timings: quick });
  });
  afterAll(() => servers.close());
  const answer = async (mode: string, tool = 'act'): Promise<ToolOutcome> =>
    call(await toolOf(servers, `bad/${tool}`), { mode });

  const cases: [string, RegExp, string?][] = [
    [
      'output-schema',
      /was called, but its answer does not fit its own output schema: n must be number.*done/s,
      'typed',
    ],
    ['nothing structured', /does not fit its own output schema: there is no structuredContent.*done/s, 'typed'],
    ['no-object', /bad\/act failed: its answer is no object/],
    ['odd-error', /bad\/act failed: it failed without a code and a message: "it broke"/],
    ['no-content', /neither content nor structuredContent/],
    ['content-no-list', /content of its answer is no list/],
    ['deep', /over 200 levels deep/],
    ['rpc-error', /bad\/act failed: no way \(JSON-RPC error -32042\)/],
  ];
  test.each(cases)('%s is an error that the model can read', async (mode, words, tool) => {
    const outcome = await answer(mode, tool);
    expect(said(outcome)).toMatch(words);
    expect(outcome.isError).toBe(true);
  });

  test('that is a task which cannot be asked about is unknown', async () => {
    const peer = openHostile('task', {}, { timings: { list: 2_000, taskSilence: 400 } });
    expect((await peer.act()).unknown).toMatch(/^the server "bad" said nothing of use about its task for 0\.4 s/);
  });

  test('of unknown content becomes text that says so', async () => {
    const { content, isError } = await answer('odd-content');
    expect(isError).toBe(false);
    expect(content).toHaveLength(4);
    expect(content[0]).toEqual({
      type: 'text',
      text: '[content of the unknown type "hologram": {"type":"hologram","beam":1}]',
    });
  });

  test('cannot stall us by the pattern of its output schema', async () => {
    const before = process.threadCpuUsage();
    expect(said(await answer('slow-pattern', 'slow'))).toContain(
      'does not fit its own output schema: s must match pattern',
    );
    expect(cpuTimeSince(before)).toBeLessThan(2_000);
  });

  test('may come between noise', async () => {
    expect(said(await answer('garbage'))).toBe('done');
  });

  test('may be one that the SDK would not take for its size', async () => {
    expect(said(await answer('large-message'))).toHaveLength(12 * 1024 * 1024);
  });

  test('may come twice, or to nobody', async () => {
    expect(said(await answer('duplicates'))).toBe('done');
    expect(said(await answer('duplicates'))).toBe('done');
  });

  test('may come after questions that we did not offer to answer', async () => {
    expect(said(await answer('asks'))).toBe('done');
  });

  test('that is none counts no restart', () => {
    expect(servers.status()).toMatchObject([{ state: 'ready', restarts: 0 }]);
  });
});

describe('a list', () => {
  test('without end is an error', async () => {
    await expect(openHostile('endless-pages').servers.tools(['bad'], never)).rejects.toThrow(
      /tools\/list does not end \(over 100 pages\)/,
    );
  });

  test('whose cursor comes again ends there', async () => {
    const tools = await openHostile('same-cursor').servers.tools(['bad'], never);
    expect(tools.map((tool) => tool.id)).toEqual(['bad/act']);
  });

  test('that is none is an error', async () => {
    await expect(openHostile('list-is-no-list').servers.tools(['bad'], never)).rejects.toThrow(/has no list "tools"/);
  });

  test('is read once for a storm of changes', async () => {
    const peer = openHostile('list-changed-storm');
    await peer.servers.tools(['bad'], never);
    expect(await peer.act()).toMatchObject({ isError: false });
    expect(peer.notes().filter((line) => line === 'list').length).toBeLessThanOrEqual(3);
  });

  test('leaves out what cannot be used, and says so', async () => {
    const { servers } = openHostile('bad-tools');
    const tools = await servers.tools(['bad'], never);
    const names = tools.map((tool) => tool.name);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
    expect(tools.map((tool) => tool.id)).toEqual([
      'bad/act',
      'bad/a.b/c d',
      `bad/${'x'.repeat(80)}`,
      'bad/poisoned',
      'bad/loops',
    ]);
    const poisoned = tools.find((tool) => tool.id === 'bad/poisoned');
    expect(poisoned?.description.startsWith('nice tool')).toBe(true);
    expect(poisoned?.description.length).toBeLessThanOrEqual(4_096);
    expect(tools.find((tool) => tool.id === 'bad/loops')?.check({ a: 1 })).toBeUndefined();
    expect(servers.status()[0]?.faults).toEqual([
      'act is listed twice; the first is used',
      'no-schema was left out: its inputSchema is no object',
      'not-object was left out: its inputSchema is of type "string", not "object"',
      'poisoned hid text in its description; it was removed',
      'a tool that is no object was left out',
    ]);
  });
});

describe('processes', () => {
  test('that ignore SIGTERM are ended with what they started', async () => {
    const peer = openHostile('ignores-sigterm', {}, { timings: { grace: 2_000 } }); // time enough to note it
    expect(await peer.act()).toMatchObject({ isError: false });
    expect(peer.pids()).toHaveLength(2);
    await closed(peer);
    expect(peer.notes()).toContain('sigterm');
  });

  test('that outlive the server that started them are ended', async () => {
    const peer = openHostile('leaves-a-child');
    expect(said(await peer.act())).toContain('died while');
    await until(() => peer.pids().length >= 2);
    const child = peer.pids()[1] ?? 0;
    expect(await until(() => !isAlive(child))).toBe(true);
  });

  test('see no environment but PATH, LANG, HOME, whose they are and what the entry names', async () => {
    process.env['DEPUTY_TEST_SECRET'] = 'hunter2hunter2';
    const outcome = await openHostile('env', { env: { GIVEN: 'yes' } }).act();
    delete process.env['DEPUTY_TEST_SECRET'];
    const seen = Object.keys(JSON.parse(said(outcome)) as object).filter((name) => !name.startsWith('__'));
    expect(seen.filter((name) => !['PATH', 'LANG', 'HOME', 'DEPUTY_INSTANCE', 'GIVEN'].includes(name))).toEqual([]);
    expect(seen).toContain('GIVEN');
  });
});
