/** Which streams of a 2025 HTTP session can still reach its client. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isJsonObject } from '../json.ts';

type RequestId = string | number;

/** More than anybody has open at once: what is older is forgotten. */
const maxBroken = 1000;

export class SessionStreams {
  readonly #broken = new Set<RequestId>();
  readonly #listeners = new Set<() => void>();
  #standing = 0;

  /** The client listens on the session's own stream. */
  get hasOwn(): boolean {
    return this.#standing > 0;
  }

  /** The connection of this request has broken, and the client has not come back for the rest of its stream. */
  isBroken(id: RequestId): boolean {
    return this.#broken.has(id);
  }

  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** An HTTP exchange of the session; `body` is undefined for GET. */
  exchange(request: IncomingMessage, response: ServerResponse, body: unknown): void {
    if (request.method === 'GET') this.#listening(request, response);
    else if (isJsonObject(body)) this.#answering(body['id'], response);
  }

  /** A GET with the id of an event resumes a stream: which one, only the transport knows, so all may be back. */
  #listening({ headers }: IncomingMessage, response: ServerResponse): void {
    if (headers['last-event-id'] !== undefined) this.#broken.clear();
    this.#standing += 1;
    this.#changed();
    response.once('close', () => {
      this.#standing -= 1;
      this.#changed();
    });
  }

  #answering(id: unknown, response: ServerResponse): void {
    if (typeof id !== 'string' && typeof id !== 'number') return;
    response.once('close', () => {
      // Ended by us: it carried its answer, or is to be polled (SEP-1699).
      if (response.writableFinished) return;
      if (this.#broken.size >= maxBroken) this.#broken.clear();
      this.#broken.add(id);
      this.#changed();
    });
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}
