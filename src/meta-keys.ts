/**
 * Our own keys in `_meta`, which a Deputy writes as a server and reads as a client. The prefix is in reverse DNS form with
 * a second label other than `mcp`, as the specification asks (2026-07-28, basic, "General fields: _meta").
 */
const prefix = 'dev.deputy-mcp/';

/** On `tools/call`: the same key of the same owner for the same agent is the same task. */
export const idempotencyKey = `${prefix}idempotencyKey`;

/** On tools that are no agents but look after tasks: an agent network that calls us leaves them to its hosts. */
export const handleToolKey = `${prefix}handle-tool`;

/** On results: which task this was, and how it ended. */
export const taskKey = `${prefix}task`;
