/** What of the wire is our own choice: the reading of our `_meta` keys, and our JSON-RPC codes. */
import { ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server';
import { idempotencyKey } from '../meta-keys.ts';

/** @throws ProtocolError a key that is no text of 1 to 200 characters. */
export function idempotencyKeyOf(meta: Readonly<Record<string, unknown>> | undefined): string | undefined {
  const key = meta?.[idempotencyKey];
  if (key === undefined) return undefined;
  if (typeof key === 'string' && key.length > 0 && key.length <= 200) return key;
  throw new ProtocolError(
    ProtocolErrorCode.InvalidParams,
    `_meta["${idempotencyKey}"] must be a text of 1 to 200 characters`,
  );
}

/**
 * JSON-RPC code of a request that is refused because of load or a shutdown; it may be sent again. Codes of our own lie
 * outside the range that JSON-RPC and MCP reserve (2026-07-28, basic, "Error Codes").
 */
export const unavailableCode = 503;

/** JSON-RPC code of "the session is gone", as the field answers it with HTTP 404. */
export const sessionGoneCode = -32001;
