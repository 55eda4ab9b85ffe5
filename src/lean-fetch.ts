/**
 * `fetch` at about half its price, for requests that leave by the thousand: Node's own builds streams and observers for
 * every answer, and most answers are one small piece of JSON.
 *
 * Invariants, all of them as with `fetch`:
 *   1. A request is sent once. Where an idle connection broke just as it was taken up again, that is an error: nobody
 *      knows whether the request arrived.
 *   2. An abort ends the request, and whatever is read of its answer, with the signal's reason.
 *   3. A failure of the network is a `TypeError` whose `cause` says what happened.
 */
import { Agent, type AgentOptions, globalAgent, type IncomingMessage, request as overHttp } from 'node:http';
import { Agent as TlsAgent, globalAgent as globalTlsAgent, request as overHttps } from 'node:https';
import { pipeline, type Readable } from 'node:stream';
import { constants, createBrotliDecompress, createGunzip } from 'node:zlib';

export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

/** @param max bytes, unpacked, of an answer that is read as a whole; what is read as a stream has no bound here. */
export function leanFetch(max: number): Fetch {
  return async (input, init = {}) => {
    const { body = null, redirect = 'follow' } = init;
    const url = input instanceof Request ? undefined : new URL(input);
    // What is rare, and what it refuses, is its own to judge; and who put another one in its place wants it asked.
    if (url === undefined || !isPlain(url) || redirect === 'error' || fetch !== nodesOwn) return fetch(input, init);
    if (body !== null && typeof body !== 'string') return fetch(input, init);
    const answer = await send(url, init, body ?? '');
    const response = answerOf(answer, init.signal ?? undefined, max);
    const next = redirect === 'follow' ? placeIn(response, url) : undefined;
    if (next === undefined) return response;
    answer.destroy();
    return fetch(next, sentOn(init, response.status, next.origin === url.origin));
  };
}

const nodesOwn = fetch;

const isPlain = ({ protocol, username, password }: URL): boolean =>
  (protocol === 'http:' || protocol === 'https:') && username === '' && password === '';

/** Milliseconds that a connection may be idle: less than the 5 s after which common servers close it. */
const mayIdle = 4_000;
/** Milliseconds. */
const connectTimeout = 10_000;

/** What Node gave to its own agents: the proxies that the environment names. */
const givenTo = (own: Agent): AgentOptions => (own as unknown as { options: AgentOptions }).options;
const agent = new Agent({ ...givenTo(globalAgent), keepAlive: true, timeout: mayIdle });
const tlsAgent = new TlsAgent({ ...givenTo(globalTlsAgent), keepAlive: true, timeout: mayIdle });

function send(url: URL, init: RequestInit, body: string): Promise<IncomingMessage> {
  const { method = 'GET', headers } = init;
  const signal = init.signal ?? undefined;
  signal?.throwIfAborted();
  const isTls = url.protocol === 'https:';
  const request = (isTls ? overHttps : overHttp)({
    agent: isTls ? tlsAgent : agent,
    method,
    hostname: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? null : url.port,
    path: url.pathname + url.search,
    headers: {
      accept: '*/*',
      'accept-encoding': 'gzip, br',
      'user-agent': 'node',
      ...Object.fromEntries(headers instanceof Headers ? headers : new Headers(headers)),
      ...(body !== '' && { 'content-length': Buffer.byteLength(body) }),
    },
  });
  return new Promise((resolve, reject) => {
    let answer: IncomingMessage | undefined;
    const onAbort = (): void => {
      reject(reasonOf(signal));
      answer?.destroy(reasonOf(signal));
      request.destroy();
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    request.once('socket', (socket) => {
      if (!socket.connecting) return;
      const timer = setTimeout(() => request.destroy(notConnected()), connectTimeout);
      const done = (): void => clearTimeout(timer);
      socket.once(isTls ? 'secureConnect' : 'connect', done).once('close', done);
    });
    request.once('response', (response) => {
      answer = response;
      // Told to whoever reads it: later, or nobody.
      response.on('error', () => {});
      resolve(response);
    });
    request.on('error', (cause) => reject(new TypeError('fetch failed', { cause })));
    request.once('close', () => {
      signal?.removeEventListener('abort', onAbort);
      // Without an error where it was asked to speak another protocol.
      if (answer === undefined)
        reject(new TypeError('fetch failed', { cause: new Error('the connection was closed') }));
    });
    request.end(body);
  });
}

const reasonOf = (signal: AbortSignal | undefined): Error => signal?.reason as Error;

/** By the name that `fetch` has for it. */
const notConnected = (): Error =>
  Object.assign(new Error(`it did not connect within ${connectTimeout / 1_000} s`), {
    code: 'UND_ERR_CONNECT_TIMEOUT',
  });

export const tooLarge = (max: number): Error => new Error(`the server sent more than ${max / 1024 / 1024} MiB at once`);

function answerOf(answer: IncomingMessage, signal: AbortSignal | undefined, max: number): Response {
  const { rawHeaders, statusCode = 0, statusMessage = '' } = answer;
  try {
    const response = new Answer(unpacked(answer), statusCode, statusMessage, { signal, max });
    for (let at = 1; at < rawHeaders.length; at += 2)
      response.headers.append(rawHeaders[at - 1] ?? '', rawHeaders[at] ?? '');
    return response;
  } catch (cause) {
    // A status or a header that is none.
    answer.destroy();
    throw new TypeError('fetch failed', { cause });
  }
}

/** Its members are methods and accessors, which these types do not say. */
const BareResponse = Response as unknown as new (
  body: null,
  init: ResponseInit,
) => Omit<Response, 'body' | 'bodyUsed' | 'text' | 'json'>;

/** Read as a whole without a web stream, which is made for whoever asks for one. */
class Answer extends BareResponse {
  readonly #bytes: Readable;
  readonly #signal: AbortSignal | undefined;
  readonly #max: number;
  #stream: ReadableStream<Uint8Array<ArrayBuffer>> | undefined;
  #isRead = false;

  constructor(
    bytes: Readable,
    status: number,
    statusText: string,
    { signal, max }: { signal: AbortSignal | undefined; max: number },
  ) {
    super(null, { status, statusText });
    this.#bytes = bytes;
    this.#signal = signal;
    this.#max = max;
    if (this.#hasNone) bytes.resume();
  }

  get #hasNone(): boolean {
    return this.status === 204 || this.status === 205 || this.status === 304;
  }

  get body(): ReadableStream<Uint8Array<ArrayBuffer>> | null {
    if (this.#hasNone) return null;
    let chunks: AsyncIterator<Uint8Array<ArrayBuffer>> | undefined;
    return (this.#stream ??= new ReadableStream(
      {
        pull: async (controller) => {
          this.#isRead = true;
          chunks ??= this.#bytes[Symbol.asyncIterator]();
          try {
            const { done, value } = await chunks.next();
            if (done === true) controller.close();
            else controller.enqueue(value);
          } catch (error) {
            throw this.#fault(error);
          }
        },
        cancel: () => void this.#bytes.destroy(),
      },
      { highWaterMark: 0 },
    ));
  }

  get bodyUsed(): boolean {
    return this.#isRead;
  }

  async text(): Promise<string> {
    if (this.#isRead) throw new TypeError('Body is unusable: it was read before');
    this.#isRead = true;
    if (this.#hasNone) return '';
    try {
      return decoder.decode(await readWhole(this.#bytes, this.#max));
    } catch (error) {
      throw this.#fault(error);
    }
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text());
  }

  #fault(error: unknown): unknown {
    return this.#signal?.aborted === true ? this.#signal.reason : new TypeError('terminated', { cause: error });
  }
}

/** Without a byte order mark. */
const decoder = new TextDecoder();

function readWhole(bytes: Readable, max: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const onClose = (): void => {
      if (!bytes.readableEnded) reject(bytes.errored ?? new Error('the connection was closed'));
    };
    if (bytes.closed) onClose();
    bytes.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= max) chunks.push(chunk);
      else bytes.destroy(tooLarge(max));
    });
    bytes.once('end', () =>
      resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)),
    );
    bytes.once('error', reject).once('close', onClose);
  });
}

function unpacked(answer: IncomingMessage): Readable {
  const unpack = unpackers[answer.headers['content-encoding']?.toLowerCase() ?? ''];
  // An error of either is one of both.
  return unpack === undefined ? answer : pipeline(answer, unpack(), () => {});
}

/** They hand on what they have: an event is not kept until the next one. */
const unpackers: Record<string, () => NodeJS.ReadWriteStream & Readable> = {
  gzip: () => createGunzip({ flush: constants.Z_SYNC_FLUSH, finishFlush: constants.Z_SYNC_FLUSH }),
  br: () =>
    createBrotliDecompress({ flush: constants.BROTLI_OPERATION_FLUSH, finishFlush: constants.BROTLI_OPERATION_FLUSH }),
};

/** Where an answer says that it stands instead. */
function placeIn({ status, headers }: Response, url: URL): URL | undefined {
  const location = [301, 302, 303, 307, 308].includes(status) ? headers.get('location') : null;
  return location === null ? undefined : new URL(location, url);
}

/** What is sent to the other place (fetch.spec.whatwg.org, "HTTP-redirect fetch"). */
function sentOn(init: RequestInit, status: number, isSameOrigin: boolean): RequestInit {
  const { method = 'GET' } = init;
  const isGet = status === 303 ? method !== 'HEAD' : status < 303 && method === 'POST';
  const headers = new Headers(init.headers);
  const dropped = [
    ...(isGet ? ['content-encoding', 'content-language', 'content-location', 'content-type', 'content-length'] : []),
    ...(isSameOrigin ? [] : ['authorization', 'proxy-authorization', 'cookie', 'host']),
  ];
  for (const name of dropped) headers.delete(name);
  return { ...init, headers, ...(isGet && { method: 'GET', body: null }) };
}
