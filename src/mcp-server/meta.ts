import { ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server';

/**
 * Our own keys in `_meta`. The prefix is in reverse DNS form with a second label other than `mcp`, as the specification
 * asks (2026-07-28, basic, "General fields: _meta").
 */
const prefix = 'dev.deputy-mcp/';

/** On `tools/call`: the same key of the same owner for the same agent is the same task. */
const idempotencyKey = `${prefix}idempotencyKey`;

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

/** On tools that are no agents but look after tasks: an agent network that calls us leaves them to its hosts. */
export const handleToolKey = `${prefix}handle-tool`;

/** On results: which task this was, and how it ended. */
export const taskKey = `${prefix}task`;

/**
 * JSON-RPC code of a request that is refused because of load or a shutdown; it may be sent again. Codes of our own lie
 * outside the range that JSON-RPC and MCP reserve (2026-07-28, basic, "Error Codes").
 */
export const unavailableCode = 503;

/** JSON-RPC code of "the session is gone", as the field answers it with HTTP 404. */
export const sessionGoneCode = -32001;
