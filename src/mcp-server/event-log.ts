import type { EventStore, JSONRPCMessage } from '@modelcontextprotocol/server';

interface Entry {
  session: string;
  stream: string;
  message: JSONRPCMessage;
  bytes: number;
}

/**
 * What was sent on the streams of 2025 sessions, for clients that come back after a broken connection.
 *
 * One budget for all sessions; the oldest events go first. A client whose last event is gone is told so.
 */
export class EventLog {
  readonly #maxBytes: number;
  /** In the order of sending, which is the order of ids. */
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;
  #count = 0;

  constructor(maxBytes = 32 * 1024 * 1024) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** A session's own view: it can neither see nor guess its way into the streams of another one. */
  of(session: string): EventStore {
    return {
      storeEvent: async (stream, message) => this.#add({ session, stream, message, bytes: sizeOf(message) }),
      getStreamIdForEventId: async (id) => this.#find(session, id)?.stream,
      replayEventsAfter: async (id, { send }) => {
        const stream = this.#find(session, id)?.stream ?? '';
        for (const [other, entry] of this.#after(id)) {
          const isPriming = Object.keys(entry.message).length === 0;
          if (entry.session === session && entry.stream === stream && !isPriming) await send(other, entry.message);
        }
        return stream;
      },
    };
  }

  forget(session: string): void {
    for (const [id, entry] of this.#entries) if (entry.session === session) this.#remove(id, entry);
  }

  #find(session: string, id: string): Entry | undefined {
    const entry = this.#entries.get(id);
    return entry?.session === session ? entry : undefined;
  }

  #after(id: string): [string, Entry][] {
    const all = [...this.#entries];
    return all.slice(all.findIndex(([other]) => other === id) + 1);
  }

  #add(entry: Entry): string {
    this.#count += 1;
    const id = String(this.#count);
    this.#entries.set(id, entry);
    this.#bytes += entry.bytes;
    for (const [oldest, old] of this.#entries) {
      if (this.#bytes <= this.#maxBytes || oldest === id) break;
      this.#remove(oldest, old);
    }
    return id;
  }

  #remove(id: string, entry: Entry): void {
    this.#entries.delete(id);
    this.#bytes -= entry.bytes;
  }
}

/** With a flat charge, so that many tiny events are bounded too. */
const sizeOf = (message: JSONRPCMessage): number => JSON.stringify(message).length + 200;
