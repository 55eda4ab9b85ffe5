/**
 * One server of the network through its life: started when first needed, listed, started again when it dies, set
 * aside when it keeps dying.
 *
 * Invariants:
 *   1. At most one connection lives, and at most one start is under way; whoever needs it waits for the same start.
 *   2. A caller that stops waiting stops nobody else's start.
 *   3. A list that was read once stays until a newer one was read.
 *   4. After `close()` nothing starts any more, and `close()` resolves when the last connection is gone.
 */
import { messageOf, UnavailableError } from '../errors.ts';
import { type FairSlots, fairSlots } from '../fair-slots.ts';
import type { Log } from '../log.ts';
import { openReception, type OnAsked } from './reception.ts';
import { type Askers, openAskers } from './askers.ts';
import { type Breaker, breaker, breakerBounds } from './breaker.ts';
import { type Connection, connect, StartError, type Verdict } from './connection.ts';
import { bounds, type Deps, defaultTimings, type ServerOptions, targetOf, type Timings } from './options.ts';
import { openPages, type Pages } from './pages.ts';
import { countRestarts, type Restarts } from './restarts.ts';
import { can, type ListKind, proveLife } from './sdk-seams.ts';
import { type ListedTools, listTools } from './server-tool.ts';
import { taskNews, type TaskNews } from './task-news.ts';
import { withoutCredentials } from './without-credentials.ts';

export type ServerState = 'idle' | 'connecting' | 'ready' | 'restarting' | 'quarantined' | 'failed';

export interface ServerStatus {
  name: string;
  /** Command line or address, without credentials. */
  target: string;
  state: ServerState;
  /** The protocol version that it speaks; undefined until it was reached. */
  version?: string;
  pid?: number;
  /** Tools that it listed last. */
  tools?: number;
  restarts: number;
  /** What went wrong last. */
  lastError?: string;
  /** What is odd about its lists. */
  faults: string[];
}

export interface Listed extends ListedTools {
  hasResources: boolean;
  hasPrompts: boolean;
}

export class Server {
  readonly options: ServerOptions;
  readonly timings: Timings;
  /** Calls side by side, and one at a time where it may ask and could not say for which. */
  readonly slots: FairSlots;
  readonly floor: FairSlots;
  readonly breaker: Breaker;
  readonly askers: Askers = openAskers();
  readonly pages: Pages = openPages();
  readonly news: TaskNews = taskNews();
  readonly log: Log;
  readonly identity: string | undefined;
  readonly #version: string;
  readonly #restarts: Restarts;
  readonly #reception: OnAsked;
  #state: ServerState = 'idle';
  #connection: Connection | undefined;
  #starting: Promise<Connection> | undefined;
  #verdict: Verdict;
  #listed: Listed | undefined;
  #isStale = false;
  #listing: Promise<Listed> | undefined;
  #wasStarted = false;
  #isToldOfDeputy = false;
  #restartCount = 0;
  #lastError: string | undefined;
  #spoken: string | undefined;
  #isClosed = false;
  readonly #ending = new Set<Promise<void>>();
  readonly #stop = new AbortController();

  constructor(options: ServerOptions, { log, version, identity, timings, now }: Deps) {
    this.options = options;
    this.timings = { ...defaultTimings, ...timings };
    const waiting = { waiting: bounds.waitingCalls, waitingOfOne: bounds.waitingCallsOfOne };
    this.slots = fairSlots({ concurrency: options.concurrency ?? bounds.concurrency, ...waiting });
    this.floor = fairSlots({ concurrency: 1, ...waiting });
    this.breaker = breaker({ ...breakerBounds, now: now ?? Date.now });
    this.log = log.child({ server: options.name });
    this.#reception = openReception(this.askers, this.log);
    this.identity = identity;
    this.#version = version ?? '0.0.0';
    const { restartWindow: window, backoff, backoffMax } = this.timings;
    this.#restarts = countRestarts({ most: bounds.restarts, window, backoff, backoffMax, now: now ?? Date.now });
  }

  get name(): string {
    return this.options.name;
  }

  get connected(): Connection | undefined {
    return this.#connection;
  }

  status(): ServerStatus {
    const version = this.#connection?.version ?? this.#spoken;
    const pid = this.#connection?.pid;
    return {
      name: this.name,
      target: targetOf(this.options),
      state: this.#state,
      ...(version !== undefined && { version }),
      ...(pid !== undefined && { pid }),
      ...(this.#listed !== undefined && { tools: this.#listed.tools.length }),
      restarts: this.#restartCount,
      ...(this.#lastError !== undefined && { lastError: this.#lastError }),
      faults: this.#listed?.faults ?? [],
    };
  }

  /**
   * The connection, started or waited for.
   * @throws UnavailableError that says why and what to do; the signal's reason.
   */
  async connection(signal: AbortSignal): Promise<Connection> {
    signal.throwIfAborted();
    if (this.#connection !== undefined) return this.#connection;
    if (this.#isClosed) throw new UnavailableError(`the server "${this.name}" is closed`);
    const starting = this.#starting ?? this.#startOnDemand();
    const tooLong = new UnavailableError(`the server "${this.name}" is still being started; try again later`);
    // A first start has its own bound, in `connect`.
    const wait = this.#state === 'restarting' ? this.timings.restartWait : 3 * this.timings.start;
    return waitFor(starting, signal, wait, tooLong);
  }

  /**
   * What it lists; asked again after it announced a change or was started again, as soon as it can be asked.
   * @throws UnavailableError when it cannot be reached and was never listed; the signal's reason.
   */
  async list(signal: AbortSignal): Promise<Listed> {
    if (this.#listed !== undefined && (!this.#isStale || this.#connection === undefined)) return this.#listed;
    this.#listing ??= this.#readList().finally(() => (this.#listing = undefined));
    try {
      const { start, list } = this.timings;
      const tooLong = new UnavailableError(`the server "${this.name}" does not come to the end of its list of tools`);
      return await waitFor(this.#listing, signal, 3 * start + list * bounds.pages, tooLong);
    } catch (error) {
      if (signal.aborted || this.#listed === undefined) throw error;
      this.log.warn(`its list of tools could not be read again, the last one stays: ${messageOf(error)}`);
      return this.#listed;
    }
  }

  /**
   * A call got no sign of life: is it the call, or the server? A server that does not answer is ended.
   * @returns whether it was.
   */
  async examine(connection: Connection, linesBefore: number): Promise<boolean> {
    const isMute = (): boolean => connection.linesRead === linesBefore;
    if (this.options.kind !== 'stdio' || connection !== this.#connection || !isMute()) return false;
    try {
      await proveLife(connection.client, this.timings.ping);
      return false;
    } catch {
      if (connection !== this.#connection || !isMute()) return false;
      await this.#track(connection.kill('it hung and was ended'));
      return true;
    }
  }

  /** It asks more than it may, and would go on asking while the next call is open. */
  async leave(connection: Connection, why: string): Promise<void> {
    if (connection !== this.#connection) return;
    this.log.warn(`left: ${why}`);
    if (this.options.kind === 'stdio') await this.#track(connection.kill(why));
    else this.drop(connection, why);
  }

  /** Its session is gone, or nothing listens there any more: the next call connects anew. */
  drop(connection: Connection, why: string): void {
    if (connection !== this.#connection) return;
    this.#connection = undefined;
    this.#state = 'idle';
    this.#lastError = withoutCredentials(why, this.options);
    void this.#track(connection.close());
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stop.abort();
    const connection = this.#connection ?? (await this.#starting?.catch(() => undefined));
    this.#connection = undefined;
    if (connection !== undefined) void this.#track(connection.close());
    await Promise.all(this.#ending);
    this.#state = 'idle';
  }

  async #readList(): Promise<Listed> {
    const connection = await this.connection(this.#stop.signal);
    const { client } = connection;
    this.#isStale = false;
    try {
      const listed = await listTools(client, this.options.kind, { timeout: this.timings.list });
      for (const fault of listed.faults) this.log.warn(fault);
      this.#lookForDeputy(listed);
      this.#listed = { ...listed, hasResources: can(client, 'resources'), hasPrompts: can(client, 'prompts') };
      return this.#listed;
    } catch (error) {
      this.#isStale = true;
      if (error instanceof UnavailableError) throw error;
      throw this.#unavailable(connection.whyClosed ?? messageOf(error), connection.stderr(stderrLines), error);
    }
  }

  #lookForDeputy({ tools }: ListedTools): void {
    if (this.options.deputy === true || this.#isToldOfDeputy || !tools.some(({ isAgent }) => isAgent)) return;
    this.#isToldOfDeputy = true;
    this.log.warn(
      `it is another Deputy: say "deputy: true" in mcpServers.${this.name}, if you trust it, so that its agents keep to the limits of yours, ask your people and are gone on with after a crash`,
    );
  }

  /** Only the first one is free. @throws UnavailableError */
  #startOnDemand(): Promise<Connection> {
    if (this.#wasStarted && this.options.kind === 'stdio' && this.#restarts.take() === undefined)
      throw this.#setAside();
    return this.#start(0, 'connecting');
  }

  #start(wait: number, state: 'connecting' | 'restarting'): Promise<Connection> {
    if (this.#wasStarted) this.#restartCount += 1;
    this.#state = state;
    const starting = this.#connectAfter(wait);
    this.#starting = starting;
    const done = (): void => {
      if (this.#starting === starting) this.#starting = undefined;
    };
    // Whoever waits hears of a failure; without anybody, `lastError` does.
    starting.finally(done).catch(() => {});
    return starting;
  }

  async #connectAfter(wait: number): Promise<Connection> {
    try {
      if (wait > 0) await pause(wait, this.#stop.signal);
      this.#stop.signal.throwIfAborted();
      this.#wasStarted = true;
      const { connection, verdict } = await connect({
        options: this.options,
        verdict: this.#verdict,
        timings: this.timings,
        version: this.#version,
        log: this.log,
        onClosed: (closed) => this.#onClosed(closed),
        onListChange: (kind) => this.#onListChange(kind),
        onTask: (params) => this.news.tell(params),
        onPage: (params) => this.pages.tell(params),
        onAsked: this.#reception,
      });
      this.#verdict = verdict;
      this.#connection = connection;
      this.#spoken = connection.version;
      this.#state = 'ready';
      this.#isStale = true;
      return connection;
    } catch (error) {
      const stderr = error instanceof StartError ? error.stderr : [];
      this.#state = 'failed';
      throw this.#unavailable(messageOf(error), stderr, error);
    }
  }

  #onClosed(connection: Connection): void {
    if (connection !== this.#connection || this.#isClosed) return;
    this.#connection = undefined;
    const why = connection.whyClosed ?? 'the connection closed';
    this.#lastError = withoutCredentials(why, this.options);
    this.log.warn({ stderr: connection.stderr(stderrLines) }, `died: ${why}`);
    void this.#track(connection.close());
    this.#restartLater();
  }

  #restartLater(): void {
    const wait = this.#restarts.take();
    if (wait === undefined) {
      this.log.error(this.#setAside().message);
      return;
    }
    this.#start(wait, 'restarting').catch(() => {
      if (!this.#isClosed && this.#starting === undefined && this.#state === 'failed') this.#restartLater();
    });
  }

  #setAside(): UnavailableError {
    this.#state = 'quarantined';
    const minutes = Math.max(1, Math.ceil(this.#restarts.waitForNext / 60_000));
    const why = this.#lastError === undefined ? '' : ` (${this.#lastError})`;
    return new UnavailableError(
      `the server "${this.name}" is set aside: it was restarted ${bounds.restarts} times and died again${why}; ` +
        `it is tried again in ${minutes} min at the earliest`,
    );
  }

  #onListChange(kind: ListKind): void {
    if (kind === 'tools') this.#isStale = true;
  }

  #unavailable(why: string, stderr: string[], cause: unknown): UnavailableError {
    const { options } = this;
    this.#lastError = withoutCredentials(why, options);
    const said =
      stderr.length === 0
        ? ''
        : `\nThe last it said on stderr:\n${stderr.map((line) => `  ${line.slice(0, 300)}`).join('\n')}`;
    const mend =
      options.kind === 'stdio'
        ? `Run the command by hand to see more, and check "command", "args" and "env" of mcpServers.${this.name}.`
        : `Check "url" and "headers" of mcpServers.${this.name}, and that the server runs.`;
    const pinned =
      options.protocol === undefined
        ? ''
        : ` Only ${options.protocol} is spoken with it: leave "protocol" out otherwise.`;
    const message = `the server "${this.name}" (${targetOf(options)}) cannot be reached: ${why}${said}\n${mend}${pinned}`;
    return new UnavailableError(withoutCredentials(message, options), { cause });
  }

  #track(ending: Promise<void>): Promise<void> {
    const tracked = ending.catch((error: unknown) => this.log.debug(`while ending: ${messageOf(error)}`));
    this.#ending.add(tracked);
    return tracked.finally(() => this.#ending.delete(tracked));
  }
}

const stderrLines = 8;

/** Waits with a bound for what goes on without us. */
async function waitFor<T>(promise: Promise<T>, signal: AbortSignal, ms: number, late: Error): Promise<T> {
  let give: (reason: unknown) => void = () => {};
  const given = new Promise<never>((_, reject) => (give = reject));
  const onAbort = (): void => give(signal.reason);
  const timer = setTimeout(() => give(late), ms);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([promise, given]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}
