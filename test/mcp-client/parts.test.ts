/** The small parts, each by itself. */
import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../src/json.ts';
import { silentLog } from '../../src/log.ts';
import { boundedCheck, readableSchema, schemaFault, smallEnough } from '../../src/mcp-client/bounded-schema.ts';
import { capped, withoutInvisible } from '../../src/mcp-client/clean-text.ts';
import { boundedFetch } from '../../src/mcp-client/http-transport.ts';
import { messageLines } from '../../src/mcp-client/message-lines.ts';
import { openRelay } from '../../src/mcp-client/relay.ts';
import { countRestarts } from '../../src/mcp-client/restarts.ts';
import { allowedPage } from '../../src/mcp-client/url-hosts.ts';
import { withoutCredentials } from '../../src/mcp-client/without-credentials.ts';
import { cpuTimeOf } from '../cpu-time.ts';
import { listen } from './listen.ts';
import { http } from './peers.ts';

describe('text', () => {
  test.each([
    ['zero width\u200B\u200C\u2060\uFEFF', 'zero width'],
    ['bidi \u202Etxet\u202C \u2066x\u2069', 'bidi txet x'],
    ['tags\u{E0041}\u{E007F}', 'tags'],
    ['variation\u{E0101}', 'variation'],
    ['\u001B[31mred\u001B[0m \u001B]0;title\u0007done', 'red done'],
    ['bell\u0007 null\u0000 \u009B31m', 'bell null 31m'],
    ['lines\n\tstay: äöü 漢字 🙂', 'lines\n\tstay: äöü 漢字 🙂'],
  ])('%j is read as %j', (given, seen) => expect(withoutInvisible(given)).toBe(seen));

  test('is capped and says so', () => {
    expect(capped('x'.repeat(100), 50)).toHaveLength(50);
    expect(capped('x'.repeat(100), 50)).toMatch(/… \(cut short\)$/);
  });
});

describe('lines', () => {
  const read = (max: number, ...chunks: string[]): string[] => {
    const seen: string[] = [];
    const add = messageLines(max, { line: (line) => seen.push(line), tooLong: () => seen.push('TOO LONG') });
    for (const chunk of chunks) add(Buffer.from(chunk));
    return seen;
  };
  test('come whole from whatever pieces', () => {
    expect(read(100, 'a', 'b\nc', '\n', '\n', 'd\ne\nf')).toEqual(['ab', 'c', '', 'd', 'e']);
    const bytes = Buffer.from('{"a":"ä🙂"}\n');
    expect(read(100, ...[...bytes].map((byte) => String.fromCharCode(byte))).length).toBe(1);
  });
  test('end at the bound', () => {
    expect(read(5, '12345\n123456\nmore\n')).toEqual(['12345', 'TOO LONG']);
    expect(read(5, '123', '456', '\nmore\n')).toEqual(['TOO LONG']);
  });
});

describe('restarts', () => {
  test('are at most five in the window, each after a longer wait', () => {
    let now = 0;
    const restarts = countRestarts({ most: 5, window: 600, backoff: 8, backoffMax: 100, now: () => now });
    const waits = [0, 1, 2, 3, 4].map(() => restarts.take() ?? -1);
    waits.forEach((wait, at) => {
      const most = Math.min(8 * 2 ** at, 100);
      expect(wait).toBeGreaterThanOrEqual(most / 2);
      expect(wait).toBeLessThanOrEqual(most);
    });
    expect(restarts.take()).toBeUndefined();
    now = 100;
    expect(restarts.waitForNext).toBe(500);
    now = 601;
    expect(restarts.take()).toBeDefined();
  });
});

describe('a schema from a server', () => {
  /** Each level asks for the next one twice: 2 to the 40th checks of one value. */
  const doubling = (): JsonObject => {
    const levels = Array.from({ length: 40 }, (_, n) => [
      `L${n}`,
      { anyOf: [{ $ref: `#/$defs/L${n + 1}` }, { $ref: `#/$defs/L${n + 1}` }] },
    ]);
    return {
      type: 'object',
      properties: { a: { $ref: '#/$defs/L0' } },
      $defs: { ...Object.fromEntries(levels), L40: { type: 'null' } },
    };
  };
  test.each<[string, JsonObject]>([
    ['that doubles', doubling()],
    ['that runs in a circle', { $ref: '#/$defs/A', $defs: { A: { $ref: '#/$defs/A' } } }],
    [
      'with a hidden bomb',
      { properties: { $defs: doubling(), enum: { $ref: '#/properties/$defs' } }, $defs: doubling()['$defs'] ?? {} },
    ],
    ['with a reference to elsewhere', { $ref: 'https://example.com/schema.json' }],
    ['that is very deep', JSON.parse(`${'{"items":'.repeat(500)}{}${'}'.repeat(500)}`) as JsonObject],
    ['with a very long pattern', { properties: { a: { pattern: 'a'.repeat(1_000) } } }],
  ])('%s is not run', (_name, schema) => expect(boundedCheck(schema)).toBeUndefined());

  test('that is plain is run, references and all', () => {
    const check = boundedCheck({
      properties: { a: { $ref: '#/$defs/n' }, pattern: { type: 'string' } },
      $defs: { n: { type: 'number' } },
    });
    expect(check?.({ a: 1, pattern: 'x' })).toBeUndefined();
    expect(check?.({ a: 'x' })).toBe('a must be number');
  });

  test('is no reason to compare a long list with itself', async () => {
    const check = boundedCheck({ type: 'array', uniqueItems: true });
    const list = Array.from({ length: 20_000 }, () => ({ a: 1 }));
    expect(await cpuTimeOf(() => expect(check?.(list)).toBeUndefined())).toBeLessThan(500);
  });

  test('is refused where models could not have it', () => {
    expect(schemaFault('no')).toBe('its inputSchema is no object');
    expect(schemaFault({ type: 'array' })).toContain('not "object"');
    expect(schemaFault({ description: 'x'.repeat(300_000) })).toContain('over 256 KiB');
    expect(schemaFault({})).toBeUndefined();
  });

  test('is given to models without hidden text', () => {
    expect(readableSchema({ properties: { a: { description: 'say\u200B nothing' } } })).toEqual({
      type: 'object',
      properties: { a: { description: 'say nothing' } },
    });
  });

  test('is run only on values of a size', () => {
    expect(smallEnough({ a: [1, 'x'.repeat(1_000)] })).toBe(true);
    expect(smallEnough(Array.from({ length: 30_000 }, () => 0))).toBe(false);
    expect(smallEnough('x'.repeat(2_000_000))).toBe(false);
  });
});

describe('an event stream', () => {
  test('comes through whole, whatever its pieces and line ends', async () => {
    const events = 'data: one\n\ndata: two\r\n\r\n: note\n\ndata: three\r\rdata: rest';
    const { url } = await listen((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const bytes = events.split('');
      const write = (): void => {
        const next = bytes.shift();
        if (next === undefined) response.end();
        else response.write(next, () => setImmediate(write));
      };
      write();
    });
    const response = await boundedFetch(1_000)(url);
    let seen = '';
    for await (const chunk of response.body ?? []) seen += Buffer.from(chunk as Uint8Array).toString();
    expect(seen).toBe(events);
  });
});

test('credentials are blotted out of what is said, wherever they come from', () => {
  const server = http('https://user-name:pass-word@host.example/mcp?token=query-token', {
    headers: { authorization: 'Bearer abcdefghij' },
  });
  expect(withoutCredentials('abcdefghij user-name pass-word query-token short', server)).toBe(
    '[redacted] [redacted] [redacted] [redacted] short',
  );
});

describe('a request that has no name of its own', () => {
  const relay = () =>
    openRelay(
      { options: http('http://127.0.0.1:1/'), log: silentLog },
      { ask: () => Promise.reject(new Error('not asked')), sample: () => Promise.reject(new Error('not asked')) },
      { pause: () => () => {}, onTooMuch: () => {} },
    );
  const asked = (message: string, more: JsonObject = {}) => ({
    method: 'elicitation/create',
    params: { message, ...more },
  });
  test('has the same after a restart, whatever the server calls it by then', () => {
    const name = relay().nameOf(asked('Who?', { _meta: { a: 1 }, task: { ttl: 1 } }));
    expect(relay().nameOf(asked('Who?', { _meta: { b: 2 } }))).toBe(name);
    expect(relay().nameOf(asked('What?'))).not.toBe(name);
  });
  test('is another one where it is asked again', () => {
    const one = relay();
    const names = [1, 2, 3].map(() => one.nameOf(asked('Again?')));
    expect(new Set(names).size).toBe(3);
    expect(names[0]).toBe(relay().nameOf(asked('Again?')));
  });
  test('that was not allowed is refused, and closed is closed', async () => {
    const one = relay();
    const { signal } = new AbortController();
    await expect(one.answer('q', asked('Who?'), signal)).rejects.toMatchObject({ code: -32_601 });
    one.close();
    await expect(one.answer('q', asked('Who?'), signal)).rejects.toMatchObject({ code: -1 });
  });
});

describe('a page', () => {
  test.each([
    ['https://a.example/', ['a.example'], true],
    ['https://A.EXAMPLE/', ['A.example'], true],
    ['https://b.a.example/', ['a.example'], false],
    ['https://b.a.example/', ['*.a.example'], true],
    ['https://a.example/', ['*.a.example'], false],
    ['https://xa.example/', ['*.a.example'], false],
    ['https://a.example.evil/', ['a.example', '*.a.example'], false],
    ['https://b\u00FCcher.example/', ['xn--bcher-kva.example'], true],
    ['http://a.example/', ['a.example'], false],
    ['http://localhost:3000/', ['localhost'], true],
    ['http://127.0.0.1.evil.example/', ['127.0.0.1.evil.example'], false],
    ['https://a.example@evil.example/', ['a.example'], false],
    ['https://evil.example/?a.example', ['a.example'], false],
    ['https://a.example:8443/', ['a.example'], true],
    ['file:///etc/passwd', [''], false],
  ])('at %s is let through by %j: %s', (address, hosts, isAllowed) => {
    expect('href' in allowedPage(address, hosts)).toBe(isAllowed);
  });
});
