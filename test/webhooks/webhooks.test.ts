/** New questions are announced to the operator's receivers: signed, once, until taken or moot. */
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { silentLog } from '../../src/log.ts';
import type { InputRequest } from '../../src/task/question.ts';
import type { Task } from '../../src/task/task.ts';
import { webhooks } from '../../src/webhooks/announce.ts';

const secret = 'a secret of twenty-four bytes';
const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

interface Got {
  headers: IncomingMessage['headers'];
  body: string;
}

/** Answers with the statuses in turn, then with 200; `next` resolves with each request as it comes. */
async function receiver(...statuses: number[]): Promise<{ url: string; next: () => Promise<Got>; got: Got[] }> {
  const got: Got[] = [];
  const waiting: ((got: Got) => void)[] = [];
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    void (async () => {
      let body = '';
      for await (const chunk of request) body += String(chunk);
      response.writeHead(statuses.shift() ?? 200).end();
      const one = { headers: request.headers, body };
      got.push(one);
      waiting.shift()?.(one);
    })();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    got,
    next: () => new Promise((resolve) => waiting.push(resolve)),
  };
}

const form: InputRequest = {
  kind: 'form',
  message: 'May I?',
  schema: { type: 'object' },
  approval: { hash: 'h', chain: ['a'], tool: 'files/write', bytes: '{"secret":1}', effect: 'unsafe', rule: 'r' },
};
const base = {
  id: 't1',
  agent: 'a',
  input: {},
  owner: 'ann',
  conversation: 't1',
  createdAt: 1,
  updatedAt: 2,
  ttlMs: 1,
};
const asking = (...keys: string[]): Task => ({
  ...base,
  status: 'input_required',
  inputRequests: Object.fromEntries(keys.map((key) => [key, form])),
});

function announcer(url: string, pauses: number[] = [1, 1]) {
  const announced = webhooks([{ url, secret }], { log: silentLog, pauses });
  closers.push(() => announced.close());
  return (task: Task) => announced.observe({ type: 'status', task });
}

test('a question is announced once, signed as Standard Webhooks has it', async () => {
  const { url, next, got } = await receiver();
  const observe = announcer(url);
  const first = next();
  observe(asking('q1'));
  observe(asking('q1'));
  const { headers, body } = await first;
  const id = String(headers['webhook-id']);
  expect(id).toBe('t1.q1');
  const signature = createHmac('sha256', secret)
    .update(`${id}.${String(headers['webhook-timestamp'])}.${body}`)
    .digest('base64');
  expect(headers['webhook-signature']).toBe(`v1,${signature}`);
  expect(JSON.parse(body)).toMatchObject({
    type: 'input_required',
    data: { task: 't1', key: 'q1', message: 'May I?', approval: { tool: 'files/write', hash: 'h' } },
  });
  expect(body).not.toContain('secret');
  const second = next();
  observe(asking('q1', 'q2'));
  expect((await second).headers['webhook-id']).toBe('t1.q2');
  expect(got).toHaveLength(2);
});

test('a receiver that fails is tried again with the same id', async () => {
  const { url, next, got } = await receiver(500, 503);
  const observe = announcer(url);
  const all = [next(), next(), next()];
  observe(asking('q1'));
  await Promise.all(all);
  expect(new Set(got.map(({ headers }) => headers['webhook-id']))).toEqual(new Set(['t1.q1']));
});

test('what is answered meanwhile is not announced again', async () => {
  const { url, next, got } = await receiver(500);
  const observe = announcer(url, [3_600_000]);
  const first = next();
  observe(asking('q1'));
  await first;
  observe({ ...base, status: 'working' });
  const second = next();
  observe(asking('q2'));
  await second;
  expect(got.map(({ headers }) => headers['webhook-id'])).toEqual(['t1.q1', 't1.q2']);
});

test('a redirect is not followed', async () => {
  const elsewhere = await receiver();
  const server = createServer((_, response) => response.writeHead(307, { location: elsewhere.url }).end());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => new Promise((resolve) => server.close(resolve)));
  const asked = Promise.all([once(server, 'request'), once(server, 'request')]);
  announcer(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)(asking('q1'));
  await asked.catch(() => undefined);
  expect(elsewhere.got).toEqual([]);
});
