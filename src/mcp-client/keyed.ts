/** Calls whose repeat the server recognises by a key: ours, the same for one call over all restarts. */
import { isJsonObject, type JsonObject } from '../json.ts';

/** Where the key stands: in an argument, or in `_meta`. */
export interface KeyPlace {
  place: 'argument' | '_meta';
  name: string;
}

export const keyPlace = (name: string, inputSchema: JsonObject): KeyPlace => ({
  place:
    isJsonObject(inputSchema['properties']) && Object.hasOwn(inputSchema['properties'], name) ? 'argument' : '_meta',
  name,
});

/** What leaves, and what is committed of it. */
export interface KeyedArgs {
  args: JsonObject;
  meta?: JsonObject;
  /** The exact JSON text, with the key in it wherever it stands. */
  bytes: string;
}

/**
 * A key that the model gave is replaced: it may give the same one to two calls that it wants both of, and another one to
 * the repeat of a call, and then the server would do once what was to be done twice, or the other way round.
 */
export function withKey(args: JsonObject, key: KeyPlace | undefined, callKey: string): KeyedArgs {
  if (key === undefined) return { args, bytes: JSON.stringify(args) };
  if (key.place === 'argument') {
    const keyed = { ...args, [key.name]: callKey };
    return { args: keyed, bytes: JSON.stringify(keyed) };
  }
  const meta = { [key.name]: callKey };
  return { args, meta, bytes: JSON.stringify({ ...args, _meta: meta }) };
}

/** What models are shown: they need not think of a key. */
export function withoutKey(inputSchema: JsonObject, key: KeyPlace | undefined): JsonObject {
  const { required } = inputSchema;
  if (key?.place !== 'argument' || !Array.isArray(required)) return inputSchema;
  return { ...inputSchema, required: required.filter((name) => name !== key.name) };
}
