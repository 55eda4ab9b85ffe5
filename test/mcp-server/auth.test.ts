import { exportJWK, exportSPKI, generateKeyPair, importJWK, type CryptoKey } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { silentLog } from '../../src/log.ts';
import { createAdmission } from '../../src/mcp-server/auth.ts';
import { serveHttp, type HttpDoor } from '../../src/mcp-server/http.ts';
import { audience, startIssuer, type TestIssuer } from './issuer.ts';
import { fakeNetwork } from './network.ts';
import { postModern, rawHttp } from './wire.ts';

let issuer: TestIssuer;
beforeAll(async () => {
  issuer = await startIssuer();
});
afterAll(() => issuer.close());

const aliceKey = 'alice-0123456789abcdef';
const bobKey = 'bob-0123456789abcdef';
const keys = [
  { owner: 'alice', key: aliceKey },
  { owner: 'bob', key: bobKey },
];

describe('a token', () => {
  let admit: ReturnType<typeof createAdmission>;
  beforeEach(() => {
    admit = createAdmission({ issuer: issuer.url, audience, keys }, silentLog);
  });
  const bearer = (token: string) => admit(`Bearer ${token}`);
  const now = () => Math.floor(Date.now() / 1000);
  const refused = { kind: 'refused', status: 401, error: 'invalid_token' };

  test('of the issuer, for this audience, in time, stands for its subject', async () => {
    expect(await bearer(await issuer.token())).toEqual({ kind: 'admitted', owner: `${issuer.url}#alice` });
    expect(await bearer(await issuer.token({ aud: ['https://other.example', audience] }))).toMatchObject({
      kind: 'admitted',
    });
  });

  test.each<[string, Record<string, unknown>, string]>([
    ['of another issuer', { iss: 'https://evil.example' }, '"iss"'],
    ['for another audience', { aud: 'https://other.example/mcp' }, '"aud"'],
    ['for nobody in particular', { aud: undefined }, '"aud"'],
    ['that has expired', { exp: now() - 60 }, 'expired'],
    ['that never expires', { exp: undefined }, '"exp"'],
    ['that holds from tomorrow on', { nbf: now() + 86_400 }, '"nbf"'],
    ['of no subject', { sub: undefined }, '"sub"'],
    ['of an empty subject', { sub: '' }, 'subject'],
  ])('%s is refused', async (_, claims, message) => {
    const admission = await bearer(await issuer.token(claims));
    expect(admission).toMatchObject(refused);
    expect(admission).toMatchObject({ message: expect.stringContaining(message) });
  });

  test('without a signature is refused', async () => {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const claims = part({ iss: issuer.url, aud: audience, sub: 'alice', exp: now() + 60 });
    for (const alg of ['none', 'None', 'NONE', 'nOnE']) {
      expect(await bearer(`${part({ alg, typ: 'JWT' })}.${claims}.`)).toMatchObject(refused);
    }
    const [header = '', , signature = ''] = (await issuer.token()).split('.');
    expect(
      await bearer(`${header}.${part({ iss: issuer.url, aud: audience, sub: 'bob', exp: now() + 60 })}.${signature}`),
    ).toMatchObject(refused);
  });

  test('signed with the public key as a shared secret is refused', async () => {
    const spki = await exportSPKI((await importJWK(issuer.publicJwk, 'ES256')) as CryptoKey);
    const secrets = [new TextEncoder().encode(spki), new TextEncoder().encode(JSON.stringify(issuer.publicJwk))];
    for (const secret of secrets) {
      expect(await bearer(await issuer.token({}, { alg: 'HS256' }, secret))).toMatchObject(refused);
    }
  });

  test('that brings its own key, or says where one is, is refused and nobody is asked', async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
    const jwk = await exportJWK(publicKey);
    for (const header of [
      { jwk },
      { jku: 'http://127.0.0.1:9/jwks' },
      { x5u: 'http://127.0.0.1:9/cert' },
      { kid: '../../../../dev/null' },
      { kid: "x' or '1'='1" },
      { kid: 'one', jwk },
    ]) {
      expect(await bearer(await issuer.token({}, header, privateKey))).toMatchObject(refused);
    }
  });

  test('with an unknown key is looked for once, and not with every request', async () => {
    const { privateKey } = await generateKeyPair('ES256');
    await bearer(await issuer.token());
    const before = issuer.fetched;
    for (let index = 0; index < 20; index++) {
      expect(await bearer(await issuer.token({}, { kid: `k${index}` }, privateKey))).toMatchObject(refused);
    }
    expect(issuer.fetched - before).toBeLessThanOrEqual(1);
  });

  test('that is no token at all is refused', async () => {
    for (const text of ['x', 'a.b.c', '...', `${'a'.repeat(5000)}.b.c`])
      expect(await bearer(text)).toMatchObject(refused);
    expect(await admit('Basic YWxpY2U6eA==')).toMatchObject(refused);
    expect(await admit(undefined)).toEqual({ kind: 'refused', status: 401, message: 'Authorization is required' });
  });

  test('that lacks the scope is forbidden, one that has it is not', async () => {
    const scoped = createAdmission({ issuer: issuer.url, audience, scope: 'agents', keys: [] }, silentLog);
    const lacking = await scoped(`Bearer ${await issuer.token({ scope: 'agents:read other' })}`);
    expect(lacking).toMatchObject({ kind: 'refused', status: 403, error: 'insufficient_scope' });
    for (const claims of [{ scope: 'other agents' }, { scp: ['agents'] }]) {
      expect(await scoped(`Bearer ${await issuer.token(claims)}`)).toMatchObject({ kind: 'admitted' });
    }
  });

  test.each<[string, number | string]>([
    ['is down', 503],
    ['sends us elsewhere', 'http://127.0.0.1:9/'],
  ])('cannot be judged while its issuer %s; a key can', async (_, answer) => {
    issuer.answer = answer;
    try {
      expect(await bearer(await issuer.token())).toMatchObject({ kind: 'unknowable' });
      expect(await bearer(bobKey)).toEqual({ kind: 'admitted', owner: 'bob' });
    } finally {
      issuer.answer = undefined;
    }
  });
});

describe('the HTTP door with serve.auth', () => {
  let door: HttpDoor;
  let seen: unknown[];
  beforeAll(async () => {
    seen = [];
    const { options } = fakeNetwork({
      extend: (server) => {
        const handlers = server.server;
        handlers.setRequestHandler('ping', (_, context) => {
          seen.push(context);
          return {};
        });
      },
    });
    door = await serveHttp({
      ...options,
      auth: { issuer: issuer.url, audience, scope: 'agents', keys },
      hosts: ['agents.example'],
      metrics: () => 'secret_metric 1\n',
    });
  });
  afterAll(() => door.close(0));
  const base = () => door.url.replace(/\/mcp$/, '');
  const call = (headers: Record<string, string>) =>
    postModern(door.url, { method: 'tools/call', params: { name: 'echo', arguments: { message: 'hi' } }, headers });

  test('says who gives out tokens, at both addresses (RFC 9728)', async () => {
    for (const path of ['', '/mcp']) {
      const response = await fetch(`${base()}/.well-known/oauth-protected-resource${path}`);
      expect(response.status).toBe(200);
      expect(await response.json()).toEqual({
        resource: audience,
        authorization_servers: [issuer.url],
        bearer_methods_supported: ['header'],
        scopes_supported: ['agents'],
        resource_name: 'Deputy',
      });
    }
  });

  test('refuses strangers with 401 and the way to a token, before the body is looked at', async () => {
    const metadata = 'resource_metadata="https://agents.example/.well-known/oauth-protected-resource/mcp"';
    const bare = await fetch(door.url, { method: 'POST', body: '{"not": json' });
    expect(bare.status).toBe(401);
    expect(bare.headers.get('www-authenticate')).toBe(`Bearer scope="agents", ${metadata}`);
    const wrong = await call({ authorization: 'Bearer nonsense' });
    expect(wrong.status).toBe(401);
    expect(wrong.headers.get('www-authenticate')).toMatch(/^Bearer error="invalid_token", .*resource_metadata=/);
    for (const method of ['GET', 'DELETE']) expect((await fetch(door.url, { method })).status).toBe(401);
  });

  test('forbids a token without the scope with 403 and names the scope', async () => {
    const response = await call({ authorization: `Bearer ${await issuer.token()}` });
    expect(response.status).toBe(403);
    expect(response.headers.get('www-authenticate')).toMatch(/^Bearer error="insufficient_scope", .*scope="agents"/);
  });

  test('lets in who has a key or a token', async () => {
    for (const token of [aliceKey, bobKey, await issuer.token({ scope: 'agents' })]) {
      const response = await call({ authorization: `Bearer ${token}` });
      expect(response.status).toBe(200);
      expect(await response.text()).toContain('hi');
    }
  });

  test('keeps its metrics from strangers, and its health from nobody', async () => {
    expect((await fetch(`${base()}/metrics`)).status).toBe(401);
    const metrics = await fetch(`${base()}/metrics`, { headers: { authorization: `Bearer ${bobKey}` } });
    expect(await metrics.text()).toContain('secret_metric');
    expect((await fetch(`${base()}/healthz`)).status).toBe(200);
  });

  test('a token ends at the gate: no handler sees it', async () => {
    const token = await issuer.token({ scope: 'agents', canary: 'canary-8d1f' });
    const headers = {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    };
    const opened = await fetch(door.url, {
      method: 'POST',
      headers,
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'initialize',
        params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x', version: '1' } },
      }),
    });
    const session = opened.headers.get('mcp-session-id') ?? '';
    await opened.text();
    const ping = await fetch(door.url, {
      method: 'POST',
      headers: { ...headers, 'mcp-session-id': session },
      body: JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'ping' }),
    });
    expect(ping.status).toBe(200);
    await ping.text();
    await (await postModern(door.url, { method: 'ping', headers: { authorization: `Bearer ${token}` } })).text();
    expect(seen.length).toBeGreaterThan(0);
    const shown = seen.map((context) => inspectDeep(context)).join('\n');
    expect(shown).not.toContain(token);
    expect(shown).not.toContain(Buffer.from('"canary-8d1f"').toString('base64url').slice(2, -2));
  });
});

/** Everything reachable in a handler's context that is text, headers included. */
function inspectDeep(value: unknown, seen: Set<unknown> = new Set(), depth = 0): string {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null || seen.has(value) || depth > 8) return '';
  seen.add(value);
  if (value instanceof Headers) return JSON.stringify([...value]);
  if (value instanceof Request) return JSON.stringify([...value.headers]);
  return Object.values(value)
    .map((inner) => inspectDeep(inner, seen, depth + 1))
    .join('\n');
}

test('beyond this machine nothing is served without auth', async () => {
  await expect(serveHttp({ ...fakeNetwork().options, host: '0.0.0.0' })).rejects.toThrow(/serve\.auth/);
});

test('with auth it may be: under its own names only', async () => {
  const door = await serveHttp({
    ...fakeNetwork().options,
    host: '0.0.0.0',
    auth: { keys },
    hosts: ['agents.example'],
  });
  try {
    const get = (host: string) => rawHttp(door.port, 'GET /healthz HTTP/1.1', `Host: ${host}`, 'Connection: close');
    expect(await get('agents.example')).toMatch(/^HTTP\/1.1 200/);
    expect(await get('agents.example:8443')).toMatch(/^HTTP\/1.1 200/);
    expect(await get('AGENTS.example')).toMatch(/^HTTP\/1.1 200/);
    for (const host of ['evil.example', 'agents.example.evil.example', 'agents.example.', 'x@agents.example']) {
      expect(await get(host)).toMatch(/^HTTP\/1.1 403/);
    }
  } finally {
    await door.close(0);
  }
});
