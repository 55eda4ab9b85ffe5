/** A real authorization server's public side on this machine: metadata and keys, and a pen to sign tokens with. */
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey } from 'jose';

export interface TestIssuer {
  url: string;
  /** Requests for the keys so far. */
  readonly fetched: number;
  publicJwk: Record<string, unknown>;
  /** A good token of `alice`, with what is given instead. */
  token(
    claims?: Record<string, unknown>,
    header?: Record<string, unknown>,
    key?: CryptoKey | Uint8Array,
  ): Promise<string>;
  /** Answers for everything, where set: a status, or a place to go to instead. */
  answer: number | string | undefined;
  close(): Promise<void>;
}

export const audience = 'https://agents.example/mcp';

export async function startIssuer(): Promise<TestIssuer> {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const jwks = [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256', use: 'sig' }];
  const state = { fetched: 0, answer: undefined as number | string | undefined };
  const server = createServer({ keepAliveTimeout: 600_000 }, (request, response) => {
    if (typeof state.answer === 'number') return response.writeHead(state.answer).end();
    if (typeof state.answer === 'string') return response.writeHead(302, { location: state.answer }).end();
    if (request.url === '/jwks') {
      state.fetched += 1;
      return response.end(JSON.stringify({ keys: jwks }));
    }
    if (request.url === '/.well-known/openid-configuration')
      return response.end(JSON.stringify({ issuer: url, jwks_uri: `${url}/jwks` }));
    return response.writeHead(404).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    url,
    get fetched() {
      return state.fetched;
    },
    get answer() {
      return state.answer;
    },
    set answer(answer) {
      state.answer = answer;
    },
    publicJwk: jwks[0] ?? {},
    async token(claims = {}, header = {}, key = privateKey) {
      const now = Math.floor(Date.now() / 1000);
      return new SignJWT({ iss: url, aud: audience, sub: 'alice', exp: now + 600, ...claims })
        .setProtectedHeader({ alg: 'ES256', kid: 'one', ...header })
        .sign(key);
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
