/** One live connection to a server, in the era that it speaks. */
import { type Client, type PriorDiscovery, SdkError, SdkErrorCode, SdkHttpError } from '@modelcontextprotocol/client';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import { HttpTransport } from './http-transport.ts';
import { type HttpTarget, type ServerOptions, type StdioTarget, type Timings } from './options.ts';
import type { OnAsked } from './reception.ts';
import { hearListChanges, hearPages, hearRequests, hearTasks, type ListKind, newClient } from './sdk-seams.ts';
import { closedByUs, StdioTransport } from './stdio-transport.ts';

export interface Connection {
  readonly client: Client;
  /** `2025-11-25`, `2026-07-28`, ... */
  readonly version: string;
  readonly pid?: number;
  /** Grows with everything that the server says on stdio. */
  readonly linesRead: number;
  /** The last lines on stderr. */
  stderr(lines: number): string[];
  /** Why it is over, in words; undefined while it lives. */
  readonly whyClosed: string | undefined;
  close(): Promise<void>;
  /** Ends it without waiting for the server's goodwill. */
  kill(why: string): Promise<void>;
}

/** What was found out about a server's era, kept for its next start. */
export type Verdict = 'legacy' | 'modern' | undefined;

export interface ConnectRequest {
  options: ServerOptions;
  verdict: Verdict;
  timings: Timings;
  version: string;
  log: Log;
  onClosed: (connection: Connection) => void;
  onListChange: (kind: ListKind) => void;
  /** `params` of a notification about a task, as it came. */
  onTask: (params: unknown) => void;
  /** The same of a page that was seen to. */
  onPage: (params: unknown) => void;
  onAsked: OnAsked;
}

/** A start that failed: what the server said on its way down goes with it. */
export class StartError extends Error {
  readonly stderr: string[];
  constructor(message: string, stderr: string[], options?: ErrorOptions) {
    super(message, options);
    this.name = 'StartError';
    this.stderr = stderr;
  }
}

/** @throws StartError in words for people. Nothing is left running then. */
export async function connect(request: ConnectRequest): Promise<{ connection: Connection; verdict: Verdict }> {
  const { options } = request;
  const opened = options.kind === 'stdio' ? await openStdio(request, options) : await openHttp(request, options);
  const { connection } = opened;
  hearListChanges(connection.client, request.onListChange, (error) => {
    request.log.debug(`cannot hear of changed lists: ${messageOf(error)}`);
  });
  hearTasks(connection.client, request.onTask);
  hearPages(connection.client, request.onPage);
  Object.assign(connection.client, { onclose: () => request.onClosed(connection) });
  // It may have died between the handshake and here.
  if (connection.whyClosed !== undefined) {
    await connection.close();
    throw new StartError(connection.whyClosed, connection.stderr(stderrLines));
  }
  return { connection, verdict: connection.client.getProtocolEra() };
}

const stderrLines = 8;
const legacy: PriorDiscovery = { kind: 'legacy' };

const isLegacy = ({ verdict, options }: ConnectRequest): boolean =>
  verdict === 'legacy' || options.protocol === '2025-11-25';

async function openStdio(
  request: ConnectRequest,
  target: ServerOptions & StdioTarget,
): Promise<{ connection: Connection }> {
  const { timings, log } = request;
  const open = async (prior: PriorDiscovery | undefined): Promise<Connection> => {
    const transport = new StdioTransport(target, timings.grace, log);
    const client = startClient(request);
    try {
      await beforeDeadline(
        timings.start,
        client.connect(transport, { timeout: timings.start, ...(prior && { prior }) }),
      );
    } catch (error) {
      const { whyClosed } = transport;
      const why = whyClosed === undefined || whyClosed === closedByUs ? messageOf(error) : whyClosed;
      await transport.kill(why);
      throw new StartError(why, transport.stderrTail.lines(stderrLines), { cause: error });
    }
    return {
      client,
      version: client.getNegotiatedProtocolVersion() ?? 'unknown',
      ...(transport.pid !== null && { pid: transport.pid }),
      get linesRead() {
        return transport.linesRead;
      },
      stderr: (lines) => transport.stderrTail.lines(lines),
      get whyClosed() {
        return transport.whyClosed;
      },
      close: () => client.close().then(() => transport.close()),
      kill: (why) => transport.kill(why),
    };
  };
  if (isLegacy(request)) return { connection: await open(legacy) };
  if (request.options.protocol !== undefined) return { connection: await open(undefined) };
  try {
    return { connection: await open(undefined) };
  } catch (error) {
    if (!diedOfTheProbe(error) || knowsTheProbe(request)) throw error;
    // Seam 1: it may have died of a question that servers of 2025 do not know.
    return { connection: await open(legacy) };
  }
}

/** Whatever it died of, that was not it: one kill in the wrong moment must not make a server one of 2025. */
const knowsTheProbe = ({ verdict, options }: ConnectRequest): boolean =>
  verdict === 'modern' || options.deputy === true;

const diedOfTheProbe = (error: unknown): boolean =>
  error instanceof StartError &&
  error.cause instanceof SdkError &&
  error.cause.code === SdkErrorCode.EraNegotiationFailed;

async function openHttp(
  request: ConnectRequest,
  target: ServerOptions & HttpTarget,
): Promise<{ connection: Connection }> {
  const { timings } = request;
  const transport = new HttpTransport(target);
  const client = startClient(request);
  const timeout = timings.probe;
  let whyClosed: string | undefined;
  try {
    const prior = isLegacy(request) ? { prior: legacy } : {};
    await beforeDeadline(timings.start, client.connect(transport, { timeout, ...prior }));
  } catch (error) {
    await transport.close();
    throw new StartError(await httpFault(error, target), [], { cause: error });
  }
  const close = async (why: string): Promise<void> => {
    if (whyClosed !== undefined) return;
    whyClosed = why;
    // A courtesy to the server's memory; it must not hold us up.
    await Promise.race([transport.terminateSession().catch(() => {}), delay(500)]);
    await client.close();
  };
  const connection: Connection = {
    client,
    version: client.getNegotiatedProtocolVersion() ?? 'unknown',
    linesRead: 0,
    stderr: () => [],
    get whyClosed() {
      return whyClosed;
    },
    close: () => close(closedByUs),
    kill: close,
  };
  return { connection };
}

function startClient({ version, timings, log, options, onAsked }: ConnectRequest): Client {
  const client = newClient(version, timings.probe, options);
  hearRequests(client, options, (asked, signal) => onAsked(client, asked, signal));
  // Answers to questions that nobody asked (or asked twice) end here; they may be as long as the server likes.
  return Object.assign(client, { onerror: (error: Error) => log.debug(error.message.slice(0, 500)) });
}

async function httpFault(error: unknown, target: HttpTarget): Promise<string> {
  const status = error instanceof SdkHttpError ? error.status : undefined;
  if (status === 401 || status === 403) {
    return `it answered HTTP ${status}: give the credential that it wants under "headers", for example Authorization: "Bearer \${env:TOKEN}"`;
  }
  if ((status === 404 || status === 405 || status === 400) && (await speaksOnlySse(target))) {
    return 'it speaks only the HTTP+SSE transport of 2024, which is not supported; ask its operator for a Streamable HTTP address (often the same with /mcp at its end)';
  }
  if (status === 404 || status === 405) return `it answered HTTP ${status}: there is no MCP server at this address`;
  if (status !== undefined) return `it answered HTTP ${status}`;
  return networkFault(error);
}

/** `fetch failed` says nothing; what failed stands at the end of the causes. */
export function networkFault(error: unknown): string {
  const code = networkCode(error);
  if (code === 'ECONNREFUSED') return 'nothing listens there (connection refused)';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'its host name is not known (DNS)';
  const causes = [...causesOf(error)].map(messageOf);
  const said = causes[0] ?? '';
  const root = causes.at(-1) ?? '';
  return said.includes(root) ? said : `${said}: ${root}`;
}

export function networkCode(error: unknown): string | undefined {
  for (const cause of causesOf(error)) {
    const { code } = cause as NodeJS.ErrnoException;
    if (typeof code === 'string' && isSystemCode.test(code)) return code;
  }
  return undefined;
}

/** Node's and undici's; the SDK's own (`ERA_NEGOTIATION_FAILED`) have underscores. */
const isSystemCode = /^(?:E[A-Z0-9]+|EAI_AGAIN|UND_[A-Z_]+)$/;

/** The error, what caused it, and so on. */
function* causesOf(error: unknown): Generator<Error> {
  let at = error;
  for (let depth = 0; at instanceof Error && depth < 8; depth += 1) {
    yield at;
    at = at instanceof AggregateError ? at.errors[0] : at.cause;
  }
}

async function speaksOnlySse({ url, headers }: HttpTarget): Promise<boolean> {
  const look = new AbortController();
  try {
    const signal = AbortSignal.any([look.signal, AbortSignal.timeout(2_000)]);
    const response = await fetch(url, {
      headers: { ...headers, accept: 'text/event-stream' },
      redirect: 'manual',
      signal,
    });
    return response.ok && response.headers.get('content-type')?.startsWith('text/event-stream') === true;
  } catch {
    return false;
  } finally {
    look.abort();
  }
}

async function beforeDeadline(ms: number, promise: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it was not ready after ${ms / 1000} s`)), ms);
  });
  try {
    await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

const delay = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
