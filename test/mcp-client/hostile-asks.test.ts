/**
 * Servers that may ask may ask what they like: every call ends in a clear outcome, nobody is flooded, other calls go
 * on, nothing stalls us and no process is left. How long it kept our event loop from others is printed for each.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { SamplingRefused, type ToolCallOptions } from '../../src/agent/tool.ts';
import type { InputRequest } from '../../src/task/question.ts';
import { listen } from './listen.ts';
import { call, http, isAlive, open, said, stdio, toolOf, until } from './peers.ts';

const stalls: [string, number][] = [];
afterAll(() => {
  const lines = stalls
    .toSorted(([, a], [, b]) => b - a)
    .map(([name, ms]) => `${ms.toFixed(0).padStart(5)} ms  ${name}`);
  process.stdout.write(`one turn of the event loop took at most\n${lines.join('\n')}\n`);
});

interface Meeting {
  outcome: Awaited<ReturnType<typeof call>>;
  asked: InputRequest[];
  mostOpen: number;
  withdrawn: number;
  thoughts: number;
  /** What it noted so far. */
  notes: () => string[];
}

type Answer = 'at once' | 'never';

/** @returns how to end it: the most processor time, in milliseconds, of one turn of the event loop. A busy machine
 * delays turns, but adds nothing to this. */
function watchTurns(): () => number {
  let longest = 0;
  let isOver = false;
  let before = process.threadCpuUsage();
  const look = (): void => {
    const { user, system } = process.threadCpuUsage(before);
    longest = Math.max(longest, (user + system) / 1_000);
    before = process.threadCpuUsage();
    if (!isOver) setImmediate(look);
  };
  setImmediate(look);
  return () => {
    isOver = true;
    return longest;
  };
}

/** One call of a server that asks in its way, with everything allowed that can be allowed, or what `may` says. */
async function meet(
  era: '2025' | '2026',
  mode: string,
  answers: Answer = 'at once',
  may: object = {},
): Promise<Meeting> {
  const folder = mkdtempSync(join(tmpdir(), 'asker-'));
  const file = join(folder, 'notes');
  const notes = (): string[] => readFileSync(file, 'utf8').trim().split('\n');
  const servers = open(
    stdio('bad', './hostile-asker.ts', [era, mode, file], {
      asks: true,
      urlHosts: ['login.example'],
      idleTimeout: 25_000,
      hardTimeout: 60_000,
      ...may,
    }),
    { timings: { poll: 1 } },
  );
  onTestFinished(async () => {
    await servers.close();
    for (const line of notes()) {
      const pid = /^pid (\d+)$/.exec(line)?.[1];
      if (pid !== undefined) expect(await until(() => !isAlive(Number(pid))), `process ${pid} is left`).toBe(true);
    }
    rmSync(folder, { recursive: true, force: true });
  });
  const meeting = { asked: [] as InputRequest[], mostOpen: 0, withdrawn: 0, thoughts: 0 };
  let isOpen = 0;
  const ask: ToolCallOptions['ask'] = (_key, request, signal) => {
    meeting.asked.push(request);
    isOpen += 1;
    meeting.mostOpen = Math.max(meeting.mostOpen, isOpen);
    if (answers === 'at once') {
      isOpen -= 1;
      return Promise.resolve({ action: 'accept', content: {} });
    }
    return new Promise((resolve) => {
      const withdraw = (): void => {
        meeting.withdrawn += 1;
        isOpen -= 1;
        resolve({ action: 'withdrawn' });
      };
      if (signal.aborted) withdraw();
      else signal.addEventListener('abort', withdraw, { once: true });
    });
  };
  const sample = (): Promise<never> => {
    meeting.thoughts += 1;
    return Promise.reject(new SamplingRefused('no'));
  };
  const act = await toolOf(servers, 'bad/act');
  const other = await toolOf(servers, 'bad/other');
  const endWatch = watchTurns();
  const outcome = await call(act, {}, { ask, sample });
  const stalled = endWatch();
  stalls.push([`${era} ${mode}`, stalled]);
  expect(stalled).toBeLessThan(500);
  expect(said(await call(other))).toBe('done');
  expect(isOpen).toBe(0);
  return { outcome, ...meeting, notes };
}

describe('in 2026 a server that asks', () => {
  test.each<[string, RegExp]>([
    ['ten thousand questions', /was ended: it asks 10000 questions at once, over the 16 there may be/],
    ['a state of 10 MB', /was ended: what it asks, with its state, is over 256 KiB/],
    ['a state that is no text', /bad\/act (was ended|failed)/],
    ['questions without end in depth', /was ended: what it asks is over 100 levels deep/],
    ['questions that are no map', /bad\/act (was ended|was called|failed)/],
    ['a question that is none', /bad\/act (was ended|was called|failed)/],
    ['a question without params', /bad\/act (was ended|was called|failed)/],
    ['a question of an unknown method', /the call has ended: refused: nobody here answers fetch\/file/],
    ['the folders', /the call has ended: refused: nobody here answers roots\/list/],
    ['the model, which it may not use', /the call has ended: refused: this server may not use the model/],
    ['nothing at all', /bad\/act (was ended|was called)/],
    ['ten thousand fields', /the call has ended: a form (with over 50 fields|whose schema is over 64 KiB)/],
    ['a schema that doubles', /the call has ended: a form whose field "a" is of no kind that there is/],
    ['a million choices', /over (64|256) KiB/],
    ['a form of objects', /the call has ended: a form whose field "a" is of no kind that there is/],
    ['a message that is no text', /the call has ended: a question without a message/],
    ['an unknown mode', /the call has ended: a question of the unknown mode "voice"/],
    ['a task id that is a stored round', /made a task of it that cannot be followed/],
    ['a task with ten thousand questions', /it asks 10000 questions at once.*It was cancelled/s],
    ['a task that takes no answer', /did not take the answer.*It was cancelled/s],
    ['a task whose questions are none', /one of its questions is no request.*It was cancelled/s],
  ])('%s ends the call, and %s', async (mode, words) => {
    const { outcome, mostOpen } = await meet('2026', mode);
    expect(said(outcome)).toMatch(words);
    expect(outcome.isError).toBe(true);
    expect(mostOpen).toBeLessThanOrEqual(16);
  });

  test('rounds without end is answered ten times', async () => {
    const { outcome, asked } = await meet('2026', 'rounds without end');
    expect(said(outcome)).toContain('was ended: it asked again after 10 rounds of answers');
    expect(asked).toHaveLength(10);
  });

  test('us to wait without end is waited for a hundred times', async () => {
    const { outcome, asked } = await meet('2026', 'waits without end');
    expect(said(outcome)).toContain('was ended: it made us wait 100 times');
    expect(asked).toEqual([]);
  });

  test('another question each time is heard a hundred times', async () => {
    const { outcome, asked, withdrawn } = await meet('2026', 'a task with another question each time', 'never');
    expect(said(outcome)).toContain('it asked more than 100 questions');
    expect(asked.length).toBeLessThanOrEqual(100);
    expect(withdrawn).toBe(asked.length);
  });

  test('for nothing, for ever, is given up when its time is over', async () => {
    const { outcome } = await meet('2026', 'a task that waits for nothing, for ever', 'never', { hardTimeout: 3_000 });
    expect(outcome.unknown).toContain('took longer than 3 s as a task and was cancelled');
  });

  test('when it is over is not heard: its result counts', async () => {
    const { outcome, asked } = await meet('2026', 'a task that asks when it is over');
    expect(said(outcome)).toBe('over');
    expect(asked).toEqual([]);
  });

  test('with a pattern that backtracks is asked without it', async () => {
    const { asked } = await meet('2026', 'a pattern that backtracks');
    expect(asked).toEqual([
      { kind: 'form', message: 'Who?', schema: { type: 'object', properties: { a: { type: 'string' } } } },
    ]);
  });

  test('what hides is asked in a few words that can be seen', async () => {
    const { asked } = await meet('2026', 'a message that hides');
    expect(asked).toMatchObject([{ message: 'Who?' }]);
  });

  test.each([['a key of 1 MB'], ['a key that is a trap']])('under %s is answered under it', async (mode) => {
    const { outcome, notes } = await meet('2026', mode);
    expect(said(outcome)).toBe('answered');
    await expect
      .poll(() => notes().join('\n'))
      .toMatch(/answered \{"(k{400,}|__proto__":\{"action":"accept","content":\{\}\},"constructor")/);
  });

  test('a password is handed on as it is: whether anybody is asked is decided there', async () => {
    const { asked } = await meet('2026', 'a password');
    expect(asked).toMatchObject([{ kind: 'form', schema: { properties: { password: {} } } }]);
  });

  test('for a page at javascript: is declined, and nobody sees it', async () => {
    const { asked, notes } = await meet('2026', 'a page at javascript:');
    expect(asked).toEqual([]);
    expect(notes()).toContain('answered {"q":{"action":"decline"}}');
  });
});

describe('in 2025 a server that asks', () => {
  test('ten thousand questions ends the call, with sixteen open at most', async () => {
    const { outcome, asked, withdrawn, mostOpen } = await meet('2025', 'ten thousand questions', 'never');
    expect(outcome.unknown).toBe('it asked more than 16 questions at once and was cancelled');
    expect([asked.length, withdrawn, mostOpen]).toEqual([16, 16, 16]);
  });

  test('questions without end is answered a hundred times', async () => {
    const { outcome, asked } = await meet('2025', 'questions without end');
    expect(outcome.unknown).toBe('it asked more than 100 questions and was cancelled');
    expect(asked).toHaveLength(100);
  });

  test('the model ten thousand times, or without end, is bounded the same', async () => {
    const flood = await meet('2025', 'ten thousand thoughts', 'at once', { sampling: true });
    expect(flood.outcome.unknown).toContain('and was cancelled');
    expect(flood.thoughts).toBeLessThanOrEqual(100);
    const endless = await meet('2025', 'thoughts without end', 'at once', { sampling: true });
    expect(endless.outcome.unknown).toBe('it asked more than 100 questions and was cancelled');
    expect(endless.thoughts).toBe(100);
  });

  test('the model without leave is left, and the model hears nothing', async () => {
    const { thoughts, outcome } = await meet('2025', 'ten thousand thoughts');
    expect(thoughts).toBe(0);
    expect(said(outcome)).toContain('it sent over 2000 requests in 10 s');
  });

  test('people without leave is left, and nobody hears it', async () => {
    const { asked, outcome } = await meet('2025', 'ten thousand questions', 'never', { asks: false });
    expect(asked).toEqual([]);
    expect(said(outcome)).toContain('it sent over 2000 requests in 10 s');
  });

  test('by ten thousand tasks of ours ends the call as well', async () => {
    const { outcome, mostOpen } = await meet('2025', 'ten thousand tasks of ours', 'never');
    expect(outcome.unknown).toBe('it asked more than 16 questions at once and was cancelled');
    expect(mostOpen).toBe(16);
  });

  test.each<[string, RegExp | undefined]>([
    ['tasks that are not there', /-32602/],
    // Or, where it is read so late that the next call is in flight, that one's, which may ask nobody.
    ['a question after the result', /"action":"cancel"|it could not be answered/],
    ['a question for a foreign task', /"action":"cancel"/],
    ['answers to nobody', undefined],
    ['a question without params', /-32602|"action"/],
    ['a question without a message', /-32602/],
    ['a schema that doubles', /-32602/],
    ['ten thousand withdrawals', undefined],
    ['ten thousand pages seen to', undefined],
  ])('by %s changes nothing', async (mode, answered) => {
    const { outcome, notes, asked } = await meet('2025', mode, 'never');
    expect(said(outcome)).toBe('done');
    if (answered !== undefined) await expect.poll(() => notes().join('\n')).toMatch(answered);
    expect(asked.length).toBeLessThanOrEqual(1);
  });

  test('twice under one id gets its answers', async () => {
    const { outcome } = await meet('2025', 'a second question under the same id');
    expect(said(outcome)).toBe('asked');
  });

  test.each<[string, RegExp]>([
    ['ten thousand pages', /bad\/act failed: it asks 10000 questions at once/],
    ['pages that are none', /bad\/act failed: its list of pages is none/],
    ['pages without end', /bad\/act failed: it asked again after 10 rounds of answers/],
    ['a page elsewhere', /did not run: it wants a person to open a page first, and nobody did/],
  ])('for %s ends the call', async (mode, words) => {
    const { outcome, asked } = await meet('2025', mode);
    expect(said(outcome)).toMatch(words);
    expect(asked.length).toBeLessThanOrEqual(10);
    expect(outcome.unknown).toBeUndefined();
  });

  test('and dies withdraws its question', async () => {
    const { outcome, withdrawn } = await meet('2025', 'its death while it is answered', 'never');
    expect(outcome.unknown).toContain('died');
    expect(withdrawn).toBe(1);
  });

  test('and is silent once it is answered runs into its time-out', async () => {
    const { outcome } = await meet('2025', 'silence after the answer', 'at once', { idleTimeout: 500 });
    expect(outcome.unknown).toContain('gave no sign of life for 0.5 s');
  });
});

test('over HTTP ten thousand questions end the call, and most are not even refused', async () => {
  let answers = 0;
  const peer = await listen((request, response) => {
    void (async () => {
      let body = '';
      for await (const chunk of request) body += String(chunk);
      if (request.method !== 'POST') return void response.writeHead(405).end();
      const { id, method } = JSON.parse(body) as { id?: number | string; method?: string };
      if (method === undefined) answers += 1;
      const say = (result: object): void => {
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify({ jsonrpc: '2.0', id, ...result }));
      };
      if (method === 'initialize')
        return say({
          result: {
            protocolVersion: '2025-11-25',
            capabilities: { tools: {} },
            serverInfo: { name: 'asker', version: '1' },
          },
        });
      if (method === 'tools/list')
        return say({ result: { tools: [{ name: 'act', inputSchema: { type: 'object' } }] } });
      if (method === 'server/discover') return say({ error: { code: -32_601, message: 'Method not found' } });
      if (method !== 'tools/call') return void response.writeHead(202).end();
      response.setHeader('content-type', 'text/event-stream');
      for (let n = 0; n < 10_000; n += 1) {
        const params = { message: 'Who?', requestedSchema: { type: 'object', properties: {} } };
        const asked = { jsonrpc: '2.0', id: `q${n}`, method: 'elicitation/create', params };
        response.write(`data: ${JSON.stringify(asked)}\n\n`);
      }
    })();
  });
  const act = await toolOf(open(http(peer.url, { asks: true })), 'web/act');
  let asked = 0;
  const ask: ToolCallOptions['ask'] = (_key, _request, signal) => {
    asked += 1;
    return new Promise((resolve) => {
      signal.addEventListener('abort', () => resolve({ action: 'withdrawn' }), { once: true });
    });
  };
  const outcome = await call(act, {}, { ask });
  expect(outcome.unknown).toBe('it asked more than 16 questions at once and was cancelled');
  expect(asked).toBe(16);
  expect(answers).toBeLessThanOrEqual(2_000);
});
