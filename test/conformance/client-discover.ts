/**
 * Some of the referee's servers of 2026 do not answer `server/discover`, without which no client takes them for what they
 * are. That one question is answered here; all others go to the referee.
 */
import { isJsonObject, type JsonObject } from '../../src/json.ts';

export function discoverHere(capabilities: JsonObject): void {
  const fetchThere = globalThis.fetch;
  globalThis.fetch = async (input, init) => {
    const message: unknown = typeof init?.body === 'string' ? JSON.parse(init.body) : undefined;
    if (!isJsonObject(message) || message['method'] !== 'server/discover') return fetchThere(input, init);
    const result = {
      resultType: 'complete',
      supportedVersions: ['2026-07-28'],
      capabilities,
      ttlMs: 0,
      cacheScope: 'private',
    };
    return Response.json({ jsonrpc: '2.0', id: message['id'], result });
  };
}
