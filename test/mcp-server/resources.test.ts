/** Tasks as resources, in both eras: read, listed and watched by their owner, and by nobody else. */
import { Client as V1Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as V1Http } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, onTestFinished, test } from 'vitest';
import { serveHttp } from '../../src/mcp-server/http.ts';
import { fakeNetwork } from './network.ts';
import { httpCaller, kinds, openPeer, type Message, type Peer } from './peer-2026.ts';

const read = async (peer: Pick<Peer, 'request'>, uri: string): Promise<Message> => {
  const { result, error } = await peer.request('resources/read', { uri });
  return result ?? { error };
};

async function finished(peer: Peer, agent: string, input: Record<string, string> = { message: 'hi' }): Promise<string> {
  const { id } = await peer.engine.start({ agent, input, owner: 'local' });
  for await (const _ of peer.engine.watch(id, 'local'));
  return id;
}

describe.each(kinds)('task resources over %s', (kind) => {
  test('a task is read as text and as JSON, and is nobody else’s to cache', async () => {
    const peer = await openPeer(kind);
    const id = await finished(peer, 'echo');
    const { contents, ...more } = await read(peer, `task://${id}`);
    expect(more).toMatchObject({ resultType: 'complete', ttlMs: 0, cacheScope: 'private' });
    const [text, json] = contents as Message[];
    expect(text).toMatchObject({ uri: `task://${id}`, mimeType: 'text/markdown' });
    expect(text?.['text']).toBe('# echo: completed\n\n**Request**\n\n> hi\n\n**Answer**\n\n> hi\n');
    expect(JSON.parse(String(json?.['text']))).toMatchObject({ id, status: 'completed', agent: 'echo' });
  });

  test('the journal has steps, calls, questions and answers', async () => {
    const peer = await openPeer(kind);
    const { id } = await peer.engine.start({ agent: 'asker', input: { message: 'hi' }, owner: 'local' });
    for await (const event of peer.engine.watch(id, 'local')) {
      if (event.type === 'status' && event.task.status === 'input_required') break;
    }
    const { contents } = await read(peer, `task://${id}/journal`);
    expect(JSON.parse(String(contents[0]['text']))).toMatchObject({
      steps: [],
      calls: [],
      questions: [{ request: { message: 'Who are you?' } }],
    });
  });

  test('what a task kept is listed in the task, and read whole', async () => {
    const peer = await openPeer(kind);
    const id = await finished(peer, 'keeper');
    const { contents: task } = await read(peer, `task://${id}`);
    const { artifacts } = JSON.parse(String(task[1]['text'])) as Message;
    expect(artifacts).toMatchObject([{ uri: expect.stringContaining(`task://${id}/artifacts/`), characters: 14_000 }]);
    const { uri } = artifacts[0] as { uri: string };
    const text = 'All was well.\n'.repeat(1000);
    expect(await read(peer, uri)).toMatchObject({
      contents: [{ uri, mimeType: 'text/plain', text }],
      cacheScope: 'private',
    });
    expect(await read(peer, `${uri}x`)).toMatchObject({ error: { code: -32602 } });
  });

  test('the newest tasks are listed, and the three templates', async () => {
    const peer = await openPeer(kind);
    const ids = [await finished(peer, 'echo'), await finished(peer, 'limited')];
    const { result } = await peer.request('resources/list', {});
    expect(result).toMatchObject({ cacheScope: 'private' });
    expect(((result?.['resources'] ?? []) as Message[]).map(({ uri }) => uri as string).toSorted()).toEqual(
      ids.map((id) => `task://${id}`).toSorted(),
    );
    const { result: templates } = await peer.request('resources/templates/list', {});
    expect(
      ((templates?.['resourceTemplates'] ?? []) as Message[]).map(({ uriTemplate }) => uriTemplate as string),
    ).toEqual(['task://{id}', 'task://{id}/journal', 'task://{id}/artifacts/{artifact}']);
  });

  test('a subscription tells when a task changes [LISTEN-ACK]', async () => {
    const peer = await openPeer(kind);
    const { id } = await peer.engine.start({ agent: 'endless', input: {}, owner: 'local' });
    const uri = `task://${id}`;
    const stream = peer.listen({ resourceSubscriptions: [uri, `task://${'A'.repeat(32)}`] });
    const acknowledged = (await stream.next()).value as Message;
    expect(acknowledged).toMatchObject({ params: { notifications: { resourceSubscriptions: [uri] } } });
    await peer.engine.cancel(id, 'local');
    expect((await stream.next()).value).toMatchObject({
      method: 'notifications/resources/updated',
      params: { uri, _meta: acknowledged['params']['_meta'] },
    });
    expect((await stream.next()).value).toMatchObject({ result: { resultType: 'complete' } });
  });

  test.each(['task://AAAA', 'task://AAAA/journal', 'task://AAAA/other', 'task://a%2e', 'file:///etc/passwd', 'no uri'])(
    '%s is not found',
    async (uri) => {
      const peer = await openPeer(kind);
      expect(await read(peer, uri)).toMatchObject({ error: { code: -32602 } });
    },
  );
});

test('a foreign task is a resource that does not exist [OWNERS]', async () => {
  const { options, engine } = fakeNetwork();
  const keys = ['ann', 'bob'].map((owner) => ({ owner, key: `key-of-${owner}` }));
  const door = await serveHttp({ ...options, auth: { keys } });
  onTestFinished(() => door.close(0));
  const { id } = await engine.start({ agent: 'endless', input: {}, owner: 'ann' });
  const [ann, bob] = [httpCaller(door.url, 'ann'), httpCaller(door.url, 'bob')];
  const missing = 'A'.repeat(32);
  const { id: kept } = await engine.start({ agent: 'keeper', input: {}, owner: 'ann' });
  for await (const _ of engine.watch(kept, 'ann'));
  const [artifact] = await engine.artifacts(kept, 'ann');
  const uri = `task://${kept}/artifacts/${artifact?.id}`;
  expect(await read(ann, uri)).toHaveProperty('contents');
  expect(JSON.stringify(await read(bob, uri)).replaceAll(kept, missing)).toBe(
    JSON.stringify(await read(bob, uri.replace(kept, missing))),
  );
  for (const tail of ['', '/journal']) {
    const foreign = await read(bob, `task://${id}${tail}`);
    expect(JSON.stringify(foreign).replaceAll(id, missing)).toBe(
      JSON.stringify(await read(bob, `task://${missing}${tail}`)),
    );
    expect(await read(ann, `task://${id}${tail}`)).toHaveProperty('contents');
  }
  expect((await bob.request('resources/list', {})).result).toMatchObject({ resources: [] });
  for await (const message of bob.listen({ resourceSubscriptions: [`task://${id}`] })) {
    expect(message['params']?.['notifications']?.['resourceSubscriptions'] ?? []).toEqual([]);
  }
});

test('2025: a session that subscribed is told of changes, until it unsubscribes', async () => {
  const { options, engine } = fakeNetwork();
  const door = await serveHttp(options);
  const client = new V1Client({ name: 'v1', version: '1' });
  await client.connect(new V1Http(new URL(door.url)));
  onTestFinished(async () => {
    await client.close();
    await door.close(0);
  });
  const { id } = await engine.start({ agent: 'endless', input: {}, owner: 'local' });
  const { id: other } = await engine.start({ agent: 'endless', input: { message: 'x' }, owner: 'local' });
  const updated = Promise.withResolvers<string>();
  client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => updated.resolve(params.uri));
  await client.subscribeResource({ uri: `task://${other}` });
  await client.unsubscribeResource({ uri: `task://${other}` });
  await client.subscribeResource({ uri: `task://${id}` });
  await expect(client.subscribeResource({ uri: `task://${'A'.repeat(32)}` })).rejects.toThrow(/not found/i);
  await engine.cancel(other, 'local');
  await engine.cancel(id, 'local');
  expect(await updated.promise).toBe(`task://${id}`);
  expect((await client.readResource({ uri: `task://${id}` })).contents[0]).toMatchObject({ mimeType: 'text/markdown' });
});
