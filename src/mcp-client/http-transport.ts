/**
 * The SDK's Streamable HTTP transport with what it lacks (see `sdk-seams.ts`, 5 to 7): a request whose stream ends
 * without an answer is answered with an error at once, a cancelled request lets go of its stream in the 2025 era too,
 * and a response is bounded.
 */
import { StreamableHTTPClientTransport, type JSONRPCMessage } from '@modelcontextprotocol/client';
import { type Fetch, leanFetch, tooLarge } from '../lean-fetch.ts';
import { isRequest } from './message-in.ts';
import { bounds, type HttpTarget, type ServerOptions } from './options.ts';
import { requestRate, type RequestRate } from './request-rate.ts';
import { inOneForm, toldOfTasks } from './sdk-seams.ts';

/** The `data` of the error that answers a request whose stream ended: by identity, so that no server can send it. */
export const streamEnded: unique symbol = Symbol('stream ended');

type RequestId = string | number;
type SendOptions = NonNullable<Parameters<StreamableHTTPClientTransport['send']>[1]>;
type OnMessage = NonNullable<StreamableHTTPClientTransport['onmessage']>;

export class HttpTransport extends StreamableHTTPClientTransport {
  /** Requests without an answer; the controller lets go of a stream where the SDK brings none. */
  readonly #requests: RequestRate;
  readonly #open = new Map<RequestId, AbortController | undefined>();

  constructor(target: HttpTarget & Pick<ServerOptions, 'deputy'>) {
    super(new URL(target.url), {
      requestInit: { headers: target.headers },
      fetch: boundedFetch(bounds.message),
      reconnectionScheduler: (reconnect, delay) => {
        // Unlike the SDK's own timer, it does not keep a finished process alive.
        const timer = setTimeout(reconnect, delay);
        timer.unref();
        return () => clearTimeout(timer);
      },
    });
    this.#requests = requestRate(target);
    this.#watchAnswers();
  }

  override async send(message: JSONRPCMessage | JSONRPCMessage[], options?: SendOptions): Promise<void> {
    if (Array.isArray(message) || !('method' in message)) return super.send(message, options);
    if (!('id' in message)) {
      await super.send(message, options);
      if (message.method === 'notifications/cancelled') this.#letGo(message.params?.['requestId']);
      return;
    }
    const { id } = message;
    const given = options?.requestSignal;
    const own = new AbortController();
    this.#open.set(id, given === undefined ? own : undefined);
    try {
      await super.send(toldOfTasks(message), {
        ...options,
        requestSignal: given ?? own.signal,
        onRequestStreamEnd: () => {
          options?.onRequestStreamEnd?.();
          this.#answerLost(id);
        },
      });
    } catch (error) {
      this.#open.delete(id);
      throw error;
    }
  }

  #answerLost(id: RequestId): void {
    if (!this.#open.has(id)) return;
    const error = { code: -32_000, message: 'the connection ended before the answer came', data: streamEnded };
    this.onmessage?.({ jsonrpc: '2.0', id, error });
  }

  #letGo(id: unknown): void {
    if (typeof id !== 'string' && typeof id !== 'number') return;
    const own = this.#open.get(id);
    this.#open.delete(id);
    own?.abort();
  }

  /** The SDK assigns `onmessage` and calls it; this sees every answer on its way. */
  #watchAnswers(): void {
    let outer: OnMessage | undefined;
    Object.defineProperty(this, 'onmessage', {
      configurable: true,
      get: () => outer,
      set: (handler: OnMessage | undefined) => {
        outer =
          handler &&
          ((message) => {
            if (!('method' in message) && message.id !== undefined) this.#open.delete(message.id);
            // Each answer would be a request of ours.
            if (isRequest(message) && this.#requests.isTooMany()) return;
            handler(inOneForm(message));
          });
      },
    });
  }
}

/** Responses over `max` bytes (for an event stream: one event) fail; a compressed bomb is counted as it unfolds. */
export function boundedFetch(max: number): Fetch {
  const bounded = leanFetch(max);
  return async (url, init) => {
    const response = await bounded(url, init);
    const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
    if (!isStream || response.body === null) return response;
    Object.defineProperty(response, 'body', { value: boundedEvents(response.body, max) });
    return response;
  };
}

/**
 * Hands on whole events, each joined once: the parser behind searches all that it holds for each piece of an event
 * that it gets, which takes seconds for one of 32 MiB.
 */
function boundedEvents(body: ReadableStream<Uint8Array>, max: number): ReadableStream<Uint8Array> {
  let pieces: Uint8Array[] = [];
  let size = 0;
  let lastBytes = '';
  const whole = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      const endsHere = endOfEvent(bytes);
      // A blank line may come in two chunks; handing on too much is no fault, the parser keeps the rest.
      const isEndSplit = blankLine.test(lastBytes + bytes.toString('latin1', 0, 3));
      lastBytes = bytes.toString('latin1', Math.max(0, bytes.length - 3));
      const end = endsHere < 0 && isEndSplit ? bytes.length : endsHere;
      if (end >= 0) {
        controller.enqueue(
          pieces.length === 0 && end === bytes.length ? chunk : Buffer.concat([...pieces, bytes.subarray(0, end)]),
        );
        pieces = [];
        size = 0;
      }
      const rest = bytes.subarray(Math.max(0, end));
      size += rest.length;
      if (rest.length > 0) pieces.push(rest);
      if (size > max) controller.error(tooLarge(max));
    },
    flush(controller) {
      if (pieces.length > 0) controller.enqueue(Buffer.concat(pieces));
    },
  });
  return body.pipeThrough(whole);
}

const blankLine = /\n\r?\n|\r\r/;

/** @returns the place after the last blank line; -1 without one. */
function endOfEvent(bytes: Buffer): number {
  const ends = ['\n\n', '\n\r\n', '\r\r'].map((blank) => {
    const at = bytes.lastIndexOf(blank);
    return at < 0 ? -1 : at + blank.length;
  });
  return Math.max(...ends);
}
