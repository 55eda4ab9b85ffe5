/**
 * For which call a server of 2025 asks. It says so only of tasks; of plain calls one at a time is in flight on a
 * connection that may ask, so that it can only be that one.
 */
import type { Client } from '@modelcontextprotocol/client';
import { isJsonObject, type JsonObject } from '../json.ts';
import type { Relay } from './relay.ts';

export interface Askers {
  /** @returns how to end it. */
  plainCall(client: Client, relay: Relay): () => void;
  task(id: string, relay: Relay): () => void;
  /** Whose relay answers a request with these `params`; undefined where no open call has to do with it. */
  find(client: Client, params: JsonObject): Relay | undefined;
}

const relatedTask = 'io.modelcontextprotocol/related-task';

export function openAskers(): Askers {
  const plain = new Map<Client, Relay>();
  const tasks = new Map<string, Relay>();
  const set = <Key>(map: Map<Key, Relay>, key: Key, relay: Relay): (() => void) => {
    map.set(key, relay);
    return () => {
      if (map.get(key) === relay) map.delete(key);
    };
  };
  return {
    plainCall: (client, relay) => set(plain, client, relay),
    task: (id, relay) => set(tasks, id, relay),
    find(client, params) {
      const meta = isJsonObject(params['_meta']) ? params['_meta'][relatedTask] : undefined;
      if (meta === undefined) return plain.get(client);
      const id = isJsonObject(meta) ? meta['taskId'] : undefined;
      return typeof id === 'string' ? tasks.get(id) : undefined;
    },
  };
}
