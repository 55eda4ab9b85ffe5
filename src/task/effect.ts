/**
 * What a tool call does to the world, set by the operator (or by the tool's annotations where its server is trusted):
 * `read` changes nothing, `idempotent` may be repeated with the same arguments, `unsafe` (the default) may not.
 */
export type EffectClass = 'read' | 'idempotent' | 'unsafe';
