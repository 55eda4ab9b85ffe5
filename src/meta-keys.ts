/**
 * Our own keys in `_meta`, which a Deputy writes as a server and reads as a client. The prefix is in reverse DNS form with
 * a second label other than `mcp`, as the specification asks (2026-07-28, basic, "General fields: _meta").
 */
const prefix = 'dev.deputy-mcp/';

/** On `tools/call`: the same key of the same owner for the same agent is the same task. */
export const idempotencyKey = `${prefix}idempotencyKey`;

/** On tools that are no agents but look after tasks: an agent network that calls us leaves them to its hosts. */
export const handleToolKey = `${prefix}handle-tool`;

/** On tools that are agents of a Deputy. */
export const agentKey = `${prefix}agent`;

/** On `tools/call`: what the calling agent leaves to the task (`Mandate`). */
export const mandateKey = `${prefix}mandate`;

/** On questions of a task that a Deputy called: who asks and what, for the Deputy above to say it in its own words. */
export const questionKey = `${prefix}question`;

/** On what is told of a task that a Deputy called: what is done in it at the moment (`Activity[]`). */
export const activityKey = `${prefix}activity`;

/** On results of `sampling/createMessage` for an agent of a Deputy: what they used, so that its own limits hold for it. */
export const usageKey = `${prefix}usage`;

/** W3C Trace Context, unprefixed (SEP-414). */
export const traceKey = 'traceparent';

/** On results: which task this was, and how it ended. */
export const taskKey = `${prefix}task`;
