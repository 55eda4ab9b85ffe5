/**
 * Our own keys in `_meta`. The prefix is in reverse DNS form with a second label other than `mcp`, as the specification
 * asks (2026-07-28, basic, "General fields: _meta").
 */
const prefix = 'dev.deputy-mcp/';

/** On results: which task this was, and how it ended. */
export const taskKey = `${prefix}task`;

/**
 * JSON-RPC code of a request that is refused because of load or a shutdown; it may be sent again. Codes of our own lie
 * outside the range that JSON-RPC and MCP reserve (2026-07-28, basic, "Error Codes").
 */
export const unavailableCode = 503;

/** JSON-RPC code of "the session is gone", as the field answers it with HTTP 404. */
export const sessionGoneCode = -32001;
