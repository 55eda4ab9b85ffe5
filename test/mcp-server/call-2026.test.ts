/** A plain call on the 2026-07-28 wire whose agent asks: multi round-trip requests, by hand and by the SDK's client. */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { serveHttp } from '../../src/mcp-server/http.ts';
import { fakeNetwork } from './network.ts';
import { forms, httpCaller, kinds, openPeer, tasks, type Message, type Peer, type Reply } from './peer-2026.ts';

const accept = (name: string): Message => ({ action: 'accept', content: { name } });

const call = (peer: Pick<Peer, 'request'>, name: string, more: Message = {}, capabilities: Message = forms) =>
  peer.request('tools/call', { name, arguments: { message: 'hi' }, ...more }, capabilities);

const stateOf = ({ result }: Reply): string => String(result?.['requestState']);
const keysOf = ({ result }: Reply): string[] => Object.keys((result?.['inputRequests'] ?? {}) as Message);

/** The next round: every question that was asked gets the same answer. */
const answered = (reply: Reply, answer: Message): Message => ({
  requestState: stateOf(reply),
  inputResponses: Object.fromEntries(keysOf(reply).map((key) => [key, answer])),
});

describe.each(kinds)('rounds over %s', (kind) => {
  test('a question comes back with a state, and the answer to the second round is the answer [ROUND]', async () => {
    const peer = await openPeer(kind);
    const first = await call(peer, 'asker');
    expect(first.result).toEqual({
      resultType: 'input_required',
      inputRequests: {
        [keysOf(first)[0] ?? '']: {
          method: 'elicitation/create',
          params: { mode: 'form', message: 'Who are you?', requestedSchema: expect.anything() },
        },
      },
      requestState: expect.any(String),
      _meta: expect.anything(),
    });
    const second = await call(peer, 'asker', answered(first, accept('Ann')));
    expect(second.result).toMatchObject({ resultType: 'complete', content: [{ text: 'Hello, Ann.' }] });
    expect(peer.engine.started).toHaveLength(1);
  });

  test('a refusal is an answer', async () => {
    const peer = await openPeer(kind);
    const second = await call(peer, 'asker', answered(await call(peer, 'asker'), { action: 'decline' }));
    expect(second.result).toMatchObject({ content: [{ text: 'Nobody: decline.' }] });
  });

  test('what is open together is asked together; what was left out is asked again [ROUND-MISSING]', async () => {
    const peer = await openPeer(kind);
    const first = await call(peer, 'pair');
    const [one = '', two = ''] = keysOf(first);
    const second = await call(peer, 'pair', {
      requestState: stateOf(first),
      inputResponses: { [one]: accept('Ann'), unheard_of: accept('x') },
    });
    expect(keysOf(second)).toEqual([two]);
    const third = await call(peer, 'pair', answered(second, accept('Bob')));
    expect(third.result).toMatchObject({ content: [{ text: 'Ann and Bob' }] });
  });

  test('a round that is sent again waits for the same task, and its answers count once [ROUND-ONCE]', async () => {
    const peer = await openPeer(kind);
    const first = await call(peer, 'pair');
    const [one = '', two = ''] = keysOf(first);
    const round = { requestState: stateOf(first), inputResponses: { [one]: accept('Ann') } };
    const second = await call(peer, 'pair', round);
    const again = await call(peer, 'pair', { ...round, inputResponses: { [one]: accept('Eve') } });
    expect([keysOf(second), keysOf(again)]).toEqual([[two], [two]]);
    await call(peer, 'pair', answered(again, accept('Bob')));
    const late = await call(peer, 'pair', round);
    expect(late.result).toMatchObject({ resultType: 'complete', content: [{ text: 'Ann and Bob' }] });
    expect(peer.engine.started).toHaveLength(1);
  });

  test('answers without a state are no answers: nobody was asked', async () => {
    const peer = await openPeer(kind);
    const before = await call(peer, 'asker');
    const { inputResponses } = answered(before, accept('Ann'));
    expect((await call(peer, 'asker', { inputResponses })).result).toMatchObject({ resultType: 'input_required' });
  });

  test('an answer that is none is refused; one that does not fit is asked for again', async () => {
    const peer = await openPeer(kind);
    const first = await call(peer, 'asker');
    expect((await call(peer, 'asker', answered(first, { action: 'maybe' }))).error).toMatchObject({ code: -32602 });
    const second = await call(peer, 'asker', answered(first, { action: 'accept', content: { name: 7 } }));
    expect(second.result).toMatchObject({ resultType: 'input_required' });
    const third = await call(peer, 'asker', answered(second, accept('Ann')));
    expect(third.result).toMatchObject({ content: [{ text: 'Hello, Ann.' }] });
  });

  test('state that was changed, or belongs to another call, is refused [STATE-SEALED]', async () => {
    const peer = await openPeer(kind);
    const first = await call(peer, 'asker');
    const round = answered(first, accept('Eve'));
    const refused = { code: -32602, message: 'Invalid or expired requestState' };
    const forged = { ...round, requestState: `${stateOf(first)}x` };
    expect((await call(peer, 'asker', forged)).error).toMatchObject(refused);
    expect((await call(peer, 'asker', { ...round, requestState: 'v1.e30.e30' })).error).toMatchObject(refused);
    expect((await call(peer, 'asker', { ...round, arguments: { message: 'ho' } })).error).toMatchObject(refused);
    expect((await call(peer, 'pair', round)).error).toMatchObject(refused);
    expect((await call(peer, 'asker', round)).result).toMatchObject({ content: [{ text: 'Hello, Eve.' }] });
  });

  test('a wait that grows long goes on in rounds, each with a new state [ROUND-WAIT]', async () => {
    const peer = await openPeer(kind, { waitMs: 30 });
    const first = await call(peer, 'silent');
    expect(first.result).toEqual({
      resultType: 'input_required',
      requestState: expect.any(String),
      _meta: expect.anything(),
    });
    const second = await call(peer, 'silent', { requestState: stateOf(first) });
    expect(stateOf(second)).not.toBe(stateOf(first));
    await peer.engine.start({ agent: 'release', input: {}, owner: 'local' });
    await peer.engine.until(() => peer.engine.working === 0);
    const third = await call(peer, 'silent', { requestState: stateOf(second) });
    expect(third.result).toMatchObject({ resultType: 'complete', content: [{ text: 'at last' }] });
  });

  test('a caller that can be asked nothing gets the handle of the task', async () => {
    const peer = await openPeer(kind, { waitMs: 30 });
    const waits = await call(peer, 'endless', {}, {});
    const asks = await call(peer, 'asker', {}, {});
    for (const { result } of [waits, asks]) {
      expect(result).toMatchObject({ resultType: 'complete', structuredContent: { task: expect.any(String) } });
    }
    const id = String(asks.result?.['structuredContent']['task']);
    await expect.poll(() => peer.engine.get(id, 'local')).toMatchObject({ status: 'input_required' });
  });

  test('only what was declared is asked; then the caller gets the handle [ASK-DECLARED]', async () => {
    const peer = await openPeer(kind);
    const first = await call(peer, 'curious', {}, { elicitation: { url: {} }, roots: {} });
    expect(keysOf(first)).toEqual(['url', 'folders']);
    const second = await call(peer, 'curious', {
      requestState: stateOf(first),
      inputResponses: { url: { action: 'accept' }, folders: { roots: [] } },
    });
    expect(keysOf(second)).toEqual(['form']);
    const third = await call(peer, 'curious', answered(second, accept('Ann')));
    expect(third.result).toMatchObject({ resultType: 'complete', structuredContent: { task: expect.any(String) } });
  });

  test('a question that was dismissed stays open, and the call ends with the handle', async () => {
    const peer = await openPeer(kind);
    const second = await call(peer, 'asker', answered(await call(peer, 'asker'), { action: 'cancel' }));
    const id = String(second.result?.['structuredContent']?.['task']);
    expect(await peer.engine.get(id, 'local')).toMatchObject({ status: 'input_required' });
  });

  test('a server that shuts down asks for no next round: the caller gets the handle', async () => {
    const peer = await openPeer(kind);
    const asked = await call(peer, 'asker');
    const waits = call(peer, 'endless');
    await peer.engine.until(() => peer.engine.working === 1);
    await peer.closeDoor(20);
    expect(asked.result).toMatchObject({ resultType: 'input_required' });
    expect((await waits).result).toMatchObject({ resultType: 'complete', structuredContent: { status: 'working' } });
    await peer.engine.close();
  });

  test('by the eighth round the caller gets the handle, before clients give up', async () => {
    const peer = await openPeer(kind);
    let reply = await call(peer, 'pest');
    let rounds = 1;
    for (; reply.result?.['resultType'] === 'input_required'; rounds += 1) {
      reply = await call(peer, 'pest', answered(reply, accept('x')));
    }
    expect(rounds).toBe(8);
    expect(reply.result).toMatchObject({ structuredContent: { task: expect.any(String) } });
  });
});

test('a task that began with rounds is watched and answered as a task by the same owner', async () => {
  const peer = await openPeer('HTTP');
  await call(peer, 'asker');
  const [task] = await peer.engine.list({ owner: 'local' });
  const both = { ...tasks, ...forms };
  const { result } = await peer.request('tasks/get', { taskId: task?.id }, both);
  const [key = ''] = Object.keys(result?.['inputRequests'] as Message);
  await peer.request('tasks/update', { taskId: task?.id, inputResponses: { [key]: accept('Ann') } }, both);
  for await (const { params } of peer.listen({ taskIds: [task?.id] }, both)) {
    if (params?.['status'] !== 'completed') continue;
    expect(params['result']).toMatchObject({ content: [{ text: 'Hello, Ann.' }] });
    return;
  }
});

test('the state of one owner is nothing in the hands of another [STATE-SEALED] [OWNERS]', async () => {
  const keys = ['ann', 'bob'].map((owner) => ({ owner, key: `key-of-${owner}` }));
  const door = await serveHttp({ ...fakeNetwork().options, auth: { keys } });
  onTestFinished(() => door.close(0));
  const round = answered(await call(httpCaller(door.url, 'ann'), 'asker'), accept('Eve'));
  const stolen = await call(httpCaller(door.url, 'bob'), 'asker', round);
  expect(stolen.error).toMatchObject({ code: -32602, message: 'Invalid or expired requestState' });
  expect((await call(httpCaller(door.url, 'ann'), 'asker', round)).result).toMatchObject({ resultType: 'complete' });
});

test('a state, and the task that it is about, survive a restart [STATE-RESTART]', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'deputy-rounds-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'tasks.db');
  const stateKey = randomBytes(32);
  const before = fakeNetwork({ stateKey }, path);
  const door = await serveHttp(before.options);
  const first = await call(httpCaller(door.url), 'pair');
  await door.close(0);
  await before.engine.close();

  const after = fakeNetwork({ stateKey }, path);
  const reopened = await serveHttp(after.options);
  onTestFinished(async () => {
    await reopened.close(0);
    await after.engine.close();
  });
  const second = await call(httpCaller(reopened.url), 'pair', answered(first, accept('Ann')));
  expect(second.result).toMatchObject({ resultType: 'complete', content: [{ text: 'Ann and Ann' }] });
  expect(after.engine.started).toHaveLength(0);
});

test("the SDK's client drives rounds by itself: one call, one answer", async () => {
  const peer = await openPeer('HTTP', { waitMs: 200 });
  const client = new Client(
    { name: 'v2', version: '1' },
    { versionNegotiation: { mode: { pin: '2026-07-28' } }, capabilities: { elicitation: { form: {} } } },
  );
  const asked: string[] = [];
  client.setRequestHandler('elicitation/create', ({ params }) => {
    asked.push(params.message);
    return { action: 'accept', content: { name: params.message } };
  });
  await client.connect(new StreamableHTTPClientTransport(new URL(peer.url ?? '')));
  onTestFinished(() => client.close());
  const result = await client.callTool({ name: 'pair', arguments: { message: 'hi' } });
  expect(result).toMatchObject({ content: [{ text: 'first? and second?' }] });
  expect(asked.toSorted()).toEqual(['first?', 'second?']);
});
