/**
 * The questions of tasks as dialogs of one 2025 client: `elicitation/create`, `sampling/createMessage`, `roots/list`.
 *
 *   - A question is asked once at a time in a session, however many of its streams belong to the task.
 *   - It is asked on a stream of who waits for the task; where nobody waits, or that stream has died and did not come
 *     back, on the session's own stream after a grace period.
 *   - It is withdrawn when it was answered elsewhere, or its task is over.
 *   - Dismissed, refused by the client's software or answered twice with what does not fit, it stays open for others, and
 *     this client is not asked again until it comes for the task's result anew: no endless dialogs.
 */
import { ProtocolError } from '@modelcontextprotocol/server';
import { messageOf } from '../errors.ts';
import { schemaCheck } from '../json-schema.ts';
import type { Log } from '../log.ts';
import type { TaskEngine } from '../task/engine.ts';
import type { TaskEvent } from '../task/event.ts';
import type { InputRequest, InputResponse } from '../task/question.ts';
import { isTerminal, type Task } from '../task/task.ts';
import { openQuestions } from './task-wire.ts';
import { viaMcp } from './via.ts';
import { canAsk, inputResponse, methodOf, wireRequest, type Askable, type WireRequest } from './wire-question.ts';

/** A stream to the client that may carry a request of ours. */
export interface Route {
  send: (request: WireRequest, signal: AbortSignal) => Promise<unknown>;
  isAlive: () => boolean;
}

export interface DialogsOptions {
  engine: TaskEngine;
  owner: string;
  log: Log;
  /** Known once the client has introduced itself. */
  asks: () => Askable;
  /** What the client calls itself. */
  client: () => string | undefined;
  /** The session's own stream. */
  ownStream: (taskId: string) => Route;
  /** Milliseconds that a question waits for somebody who comes for the result, before it goes to the session's stream. */
  graceMs: number;
}

export interface Seat {
  /** Fires when the task waits for answers, and none of them can be had from this client. */
  readonly stuck: AbortSignal;
  /** Dialogs that are open stay open: their answers count whenever they come. */
  leave(): void;
}

interface SeatTaken {
  route?: Route;
  onEvent?: (event: TaskEvent) => void;
  /** Questions that it need not be told of. */
  known: ReadonlySet<string>;
  stuck: AbortController;
}

interface Dialog {
  route: Route;
  withdrawn: AbortController;
}

interface Followed {
  task: Task;
  readonly seats: Set<SeatTaken>;
  /** By wire key. */
  readonly dialogs: Map<string, Dialog>;
  /** Questions as JSON: a question asked again under a new key is the same one. */
  readonly misfits: Set<string>;
  readonly dismissed: Set<string>;
  watch?: AbortController;
  grace?: { timer: NodeJS.Timeout; isOver: boolean };
}

export class Dialogs {
  readonly #options: DialogsOptions;
  readonly #tasks = new Map<string, Followed>();
  #isClosed = false;

  constructor(options: DialogsOptions) {
    this.#options = options;
  }

  /**
   * Somebody waits for the task: its questions go to `route`.
   * @param anew what was dismissed before may be asked again.
   * @param isPatient questions that this client could not answer before it came do not make it stuck.
   */
  join(
    task: Task,
    seat: { route?: Route; onEvent?: (event: TaskEvent) => void; anew?: boolean; isPatient?: boolean },
  ): Seat {
    const { anew = false, isPatient = false, ...given } = seat;
    let entry = this.#tasks.get(task.id);
    if (entry === undefined) {
      entry = { task, seats: new Set(), dialogs: new Map(), misfits: new Set(), dismissed: new Set() };
      this.#tasks.set(task.id, entry);
    }
    if (anew) {
      entry.dismissed.clear();
      entry.misfits.clear();
    }
    const followed = entry;
    const hopeless = openQuestions(task).filter(([, request]) => !this.#mayAsk(followed, request));
    const known = new Set(isPatient ? hopeless.map(([key]) => key) : []);
    const taken: SeatTaken = { ...given, known, stuck: new AbortController() };
    entry.seats.add(taken);
    if (followed.watch === undefined) this.#watch(followed);
    else this.#present(followed);
    return {
      stuck: taken.stuck.signal,
      leave: () => {
        followed.seats.delete(taken);
        this.#rest(followed);
      },
    };
  }

  /** A stream of the session has died or come back. */
  streamsChanged(): void {
    for (const entry of this.#tasks.values()) this.#present(entry);
  }

  /** The client is gone: nothing is sent any more, and questions stay as they are. */
  close(): void {
    this.#isClosed = true;
    for (const entry of this.#tasks.values()) {
      entry.watch?.abort();
      clearTimeout(entry.grace?.timer);
    }
    this.#tasks.clear();
  }

  #watch(entry: Followed): void {
    const { engine, owner, log } = this.#options;
    const watch = new AbortController();
    entry.watch = watch;
    const follow = async (): Promise<void> => {
      for await (const event of engine.watch(entry.task.id, owner, { signal: watch.signal })) {
        if (event.type === 'status') entry.task = event.task;
        for (const { onEvent } of entry.seats) onEvent?.(event);
        if (event.type === 'status') this.#present(entry);
      }
    };
    follow()
      .catch((error: unknown) => log.warn({ task: entry.task.id, err: error }, 'the questions of a task got lost'))
      .finally(() => {
        if (entry.watch === watch) delete entry.watch;
      });
  }

  /** Makes the dialogs what the task's open questions want them to be. */
  #present(entry: Followed): void {
    if (this.#isClosed) return;
    const open = new Map(openQuestions(entry.task));
    for (const [key, { withdrawn }] of entry.dialogs) if (!open.has(key)) withdrawn.abort('The question is answered.');
    let isWaitingForRoute = false;
    let isStuck = entry.task.status === 'input_required';
    for (const [key, request] of open) {
      if (!this.#mayAsk(entry, request)) continue;
      isStuck = false;
      const dialog = entry.dialogs.get(key);
      if (dialog?.route.isAlive() === true) continue;
      const route = this.#routeFor(entry);
      if (route === undefined) {
        isWaitingForRoute = true;
        continue;
      }
      dialog?.withdrawn.abort('The question is asked on another stream.');
      void this.#ask(entry, key, request, route);
    }
    this.#holdGrace(entry, isWaitingForRoute);
    if (isStuck && entry.dialogs.size === 0) {
      for (const { stuck, known } of entry.seats) if ([...open.keys()].some((key) => !known.has(key))) stuck.abort();
    }
    this.#rest(entry);
  }

  #mayAsk(entry: Followed, request: InputRequest): boolean {
    return canAsk(this.#options.asks(), request) && !entry.dismissed.has(JSON.stringify(request));
  }

  #routeFor(entry: Followed): Route | undefined {
    for (const { route } of entry.seats) if (route?.isAlive() === true) return route;
    if (entry.grace?.isOver !== true) return undefined;
    const own = this.#options.ownStream(entry.task.id);
    return own.isAlive() ? own : undefined;
  }

  #holdGrace(entry: Followed, isNeeded: boolean): void {
    if (!isNeeded) {
      clearTimeout(entry.grace?.timer);
      delete entry.grace;
    } else if (entry.grace === undefined) {
      const timer = setTimeout(() => {
        entry.grace = { timer, isOver: true };
        this.#present(entry);
      }, this.#options.graceMs);
      timer.unref();
      entry.grace = { timer, isOver: false };
    }
  }

  /** Nobody waits and nothing is asked: what is left of the task is what was dismissed, while the session lasts. */
  #rest(entry: Followed): void {
    const isOver = isTerminal(entry.task);
    if (!isOver && (entry.seats.size > 0 || entry.dialogs.size > 0)) return;
    clearTimeout(entry.grace?.timer);
    delete entry.grace;
    entry.watch?.abort();
    delete entry.watch;
    const { id } = entry.task;
    if ((isOver || entry.dismissed.size === 0) && this.#tasks.get(id) === entry) this.#tasks.delete(id);
  }

  async #ask(entry: Followed, key: string, request: InputRequest, route: Route): Promise<void> {
    const dialog: Dialog = { route, withdrawn: new AbortController() };
    entry.dialogs.set(key, dialog);
    const said = await this.#answerTo(entry.task, key, request, dialog);
    // Withdrawn, or asked again on another stream: whatever was said here counts no more.
    if (said === 'withdrawn') return this.#over(entry, key, dialog);
    const isMisfit = said !== undefined && faultOf(request, said) !== undefined;
    const content = JSON.stringify(request);
    if (said === undefined || said.action === 'cancel' || (isMisfit && entry.misfits.has(content))) {
      entry.dismissed.add(content);
    } else if (isMisfit) {
      entry.misfits.add(content);
    } else {
      entry.task = await this.#respond(entry, key, request, said);
    }
    this.#over(entry, key, dialog);
  }

  /** Undefined: dismissed by the client's software. */
  async #answerTo(
    task: Task,
    key: string,
    request: InputRequest,
    { route, withdrawn }: Dialog,
  ): Promise<InputResponse | 'withdrawn' | undefined> {
    const { signal } = withdrawn;
    try {
      const answer = await route.send(wireRequest(task, request, this.#options.asks(), '2025', key), signal);
      return signal.aborted ? 'withdrawn' : inputResponse(request, answer);
    } catch (error) {
      if (signal.aborted) return 'withdrawn';
      this.#options.log.debug({ err: messageOf(error) }, 'a question was not answered');
      // Nobody else can lend the caller's model or folders: refused is refused (2025-11-25, sampling, "Error Handling").
      const isRefusal = error instanceof ProtocolError && (request.kind === 'sampling' || request.kind === 'roots');
      return isRefusal ? { action: 'decline' } : undefined;
    }
  }

  async #respond(
    { task, dismissed }: Followed,
    key: string,
    request: InputRequest,
    answer: InputResponse,
  ): Promise<Task> {
    const { engine, owner, client, log } = this.#options;
    try {
      return await engine.respond(task.id, owner, { [key]: answer }, viaMcp(methodOf(request), client()));
    } catch (error) {
      log.error({ task: task.id, err: error }, 'an answer could not be stored');
      dismissed.add(JSON.stringify(request));
      return task;
    }
  }

  #over(entry: Followed, key: string, dialog: Dialog): void {
    if (entry.dialogs.get(key) === dialog) entry.dialogs.delete(key);
    this.#present(entry);
  }
}

/** The engine has the last word; this spares it answers that it would only ask about again. */
const faultOf = (request: InputRequest, { action, ...rest }: InputResponse): string | undefined =>
  request.kind === 'form' && action === 'accept' && 'content' in rest
    ? schemaCheck(request.schema)(rest.content)
    : undefined;
