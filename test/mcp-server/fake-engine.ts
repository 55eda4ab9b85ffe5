/** A small `TaskEngine` in memory: an agent is an async function that may emit events and be cancelled. */
import { randomBytes } from 'node:crypto';
import { EventEmitter, on } from 'node:events';
import { BusyError, NotFoundError, UnavailableError } from '../../src/errors.ts';
import type { Json } from '../../src/json.ts';
import { text } from '../../src/task/content.ts';
import type { StartTask, TaskEngine, WatchOptions } from '../../src/task/engine.ts';
import type { ProgressEvent, TaskEvent } from '../../src/task/event.ts';
import type { Task, TaskResult, TaskState } from '../../src/task/task.ts';
import { noUsage } from '../../src/task/usage.ts';

export interface FakeWork {
  task: Task;
  signal: AbortSignal;
  emit: (event: ProgressEvent) => void;
}

export type FakeAgent = (work: FakeWork) => Promise<Partial<TaskResult> | string>;

interface Entry {
  task: Task;
  abort: AbortController;
  events: EventEmitter;
}

export class FakeEngine implements TaskEngine {
  readonly started: StartTask[] = [];
  readonly cancelled: string[] = [];
  readonly #agents: Record<string, FakeAgent>;
  readonly #entries = new Map<string, Entry>();
  readonly #changes = new EventEmitter();
  #draining = false;

  constructor(agents: Record<string, FakeAgent>) {
    this.#agents = agents;
    this.#changes.setMaxListeners(0);
  }

  get working(): number {
    return [...this.#entries.values()].filter(({ task }) => task.status === 'working').length;
  }

  /** Resolves as soon as `holds` does: looked at now and after every change. */
  async until(holds: () => boolean): Promise<void> {
    if (holds()) return;
    for await (const _ of on(this.#changes, 'change')) if (holds()) return;
  }

  async start({ agent, input, owner, conversation }: StartTask): Promise<Task> {
    if (this.#draining) throw new UnavailableError('draining');
    const earlier = conversation === undefined ? undefined : this.#entries.get(conversation)?.task;
    if (conversation !== undefined && earlier?.owner !== owner) {
      throw new NotFoundError(`unknown conversation "${conversation}": leave it out to begin a new one`);
    }
    if (earlier?.status === 'working') throw new BusyError('this conversation is busy: wait for its answer');
    const id = randomBytes(24).toString('base64url');
    const now = Date.now();
    const task: Task = {
      id,
      agent,
      input,
      owner,
      conversation: earlier?.conversation ?? id,
      ...(earlier !== undefined && { predecessor: earlier.id }),
      createdAt: now,
      updatedAt: now,
      status: 'working',
    };
    const entry: Entry = { task, abort: new AbortController(), events: new EventEmitter() };
    this.started.push({ agent, input, owner, ...(conversation !== undefined && { conversation }) });
    this.#entries.set(id, entry);
    this.#changes.emit('change');
    setImmediate(() => void this.#work(entry));
    return task;
  }

  async get(id: string, owner: string): Promise<Task> {
    return this.#find(id, owner).task;
  }

  async list(): Promise<Task[]> {
    return [...this.#entries.values()].map(({ task }) => task);
  }

  async journal(): Promise<never[]> {
    return [];
  }

  async cancel(id: string, owner: string): Promise<Task> {
    const entry = this.#find(id, owner);
    this.cancelled.push(id);
    this.#end(entry, { status: 'cancelled' });
    entry.abort.abort();
    return entry.task;
  }

  async *watch(id: string, owner: string, { signal }: WatchOptions = {}): AsyncIterable<TaskEvent> {
    const entry = this.#find(id, owner);
    yield { type: 'status', task: entry.task };
    if (entry.task.status !== 'working' || signal?.aborted === true) return;
    try {
      for await (const [event] of on(entry.events, 'event', signal && { signal })) {
        yield event as TaskEvent;
        if ((event as TaskEvent).type === 'status') return;
      }
    } catch (error) {
      if (!(error instanceof Error && error.name === 'AbortError')) throw error;
    }
  }

  async close(): Promise<void> {
    this.#draining = true;
    for (const { abort } of this.#entries.values()) abort.abort();
  }

  async #work(entry: Entry): Promise<void> {
    const { task, abort } = entry;
    const emit = (event: ProgressEvent) => entry.events.emit('event', { ...event, path: '', at: Date.now() });
    try {
      const agent = this.#agents[task.agent];
      if (agent === undefined) throw new Error(`no agent ${task.agent}`);
      const outcome = await agent({ task, signal: abort.signal, emit });
      const result = typeof outcome === 'string' ? { content: [text(outcome)] } : outcome;
      this.#end(entry, { status: 'completed', result: { content: [], stop: 'answer', usage: noUsage, ...result } });
    } catch (error) {
      this.#end(entry, { status: 'failed', error: { code: -32603, message: String(error) } });
    }
  }

  #end(entry: Entry, state: TaskState): void {
    if (entry.task.status !== 'working') return;
    entry.task = { ...entry.task, ...state, updatedAt: Date.now() };
    entry.events.emit('event', { type: 'status', task: entry.task });
    this.#changes.emit('change');
  }

  #find(id: string, owner: string): Entry {
    const entry = this.#entries.get(id);
    if (entry?.task.owner !== owner) throw new NotFoundError(`unknown task ${id}`);
    return entry;
  }
}

/** An agent that works until it is cancelled. */
export const endless: FakeAgent = ({ signal }) =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('stopped'))));

export const echo: FakeAgent = async ({ task }) => {
  const { message } = task.input;
  return typeof message === 'string' ? message : JSON.stringify(task.input satisfies Json);
};
