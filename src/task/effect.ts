/**
 * What a tool call does to the world, set by the operator (or by the tool's annotations where its server is trusted):
 * `read` changes nothing, `idempotent` may be repeated with the same arguments, `keyed` with the same key, `unsafe`
 * (the default) may not.
 */
export type EffectClass = 'read' | 'idempotent' | 'keyed' | 'unsafe';

const order: readonly EffectClass[] = ['read', 'idempotent', 'keyed', 'unsafe'];

export const stricter = (a: EffectClass, b: EffectClass): EffectClass => (order.indexOf(a) >= order.indexOf(b) ? a : b);
