/** The real engine in memory, where an agent is an async function; with an eye on what the server asks of it. */
import { EventEmitter, on } from 'node:events';
import { createEngine } from '../../src/engine/engine.ts';
import { openSqliteStore } from '../../src/engine/sqlite/store.ts';
import type { Json } from '../../src/json.ts';
import { silentLog } from '../../src/log.ts';
import { StatusLines } from '../../src/mcp-server/status-lines.ts';
import { text } from '../../src/task/content.ts';
import type { StartTask, TaskContext, TaskEngine, TaskKeeper } from '../../src/task/engine.ts';
import type { Via } from '../../src/task/question.ts';
import type { ProgressEvent } from '../../src/task/event.ts';
import { isTerminal, type Task, type TaskResult } from '../../src/task/task.ts';
import { noUsage } from '../../src/task/usage.ts';

export interface FakeWork {
  task: Task;
  context: TaskContext;
  signal: AbortSignal;
  emit: (event: ProgressEvent) => void;
}

type ServedEngine = TaskEngine & Pick<TaskKeeper, 'record' | 'artifact' | 'artifacts' | 'called' | 'heard'>;

/** Who acts in tests, where nobody looks at the record. */
export const viaTest: Via = { channel: 'test' };

export type FakeAgent = (work: FakeWork) => Promise<Partial<TaskResult> | string>;

export class FakeEngine implements ServedEngine {
  readonly started: StartTask[] = [];
  readonly cancelled: string[] = [];
  readonly lines = new StatusLines();
  /** By name. */
  readonly agents: Record<string, FakeAgent>;
  readonly #engine: TaskEngine & TaskKeeper;
  readonly #open = new Map<string, Task>();
  readonly #changes = new EventEmitter();

  /** @param path of the store; by default it is in memory. */
  constructor(agents: Record<string, FakeAgent>, path = ':memory:') {
    this.agents = agents;
    this.#changes.setMaxListeners(0);
    this.#engine = createEngine({
      store: openSqliteStore(path),
      log: silentLog,
      onEvent: (event, task) => {
        this.lines.observe(event, task);
        if (event.type === 'status') this.#changed(event.task);
        else this.#changes.emit('change');
      },
      handler: async (task, context) => {
        const agent = agents[task.agent];
        if (agent === undefined) throw new Error(`no agent ${task.agent}`);
        const outcome = await agent({ task, context, signal: context.signal, emit: (event) => context.emit(event) });
        const result = typeof outcome === 'string' ? { content: [text(outcome)] } : outcome;
        return { content: [], stop: 'answer', usage: noUsage, ...result };
      },
    });
  }

  get working(): number {
    return [...this.#open.values()].filter(({ status }) => status === 'working').length;
  }

  /** Resolves as soon as `holds` does: looked at now and after every change. */
  async until(holds: () => boolean): Promise<void> {
    if (holds()) return;
    for await (const _ of on(this.#changes, 'change')) if (holds()) return;
  }

  async start(request: StartTask): Promise<Task> {
    const task = await this.#engine.start(request);
    this.started.push(request);
    this.#changed(task);
    return task;
  }

  async cancel(id: string, owner: string, via: Via = viaTest): Promise<Task> {
    this.cancelled.push(id);
    return this.#engine.cancel(id, owner, via);
  }

  get: TaskEngine['get'] = (...args) => this.#engine.get(...args);
  list: TaskEngine['list'] = (...args) => this.#engine.list(...args);
  journal: TaskEngine['journal'] = (...args) => this.#engine.journal(...args);
  record: TaskKeeper['record'] = (...args) => this.#engine.record(...args);
  artifact: TaskKeeper['artifact'] = (...args) => this.#engine.artifact(...args);
  called: TaskKeeper['called'] = () => this.#engine.called();
  heard: TaskKeeper['heard'] = (...args) => this.#engine.heard(...args);
  artifacts: TaskKeeper['artifacts'] = (...args) => this.#engine.artifacts(...args);
  send: TaskEngine['send'] = (...args) => this.#engine.send(...args);
  retry: TaskEngine['retry'] = (...args) => this.#engine.retry(...args);
  respond: TaskEngine['respond'] = (...args) => this.#engine.respond(...args);
  watch: TaskEngine['watch'] = (...args) => this.#engine.watch(...args);
  close: TaskEngine['close'] = (graceMs) => this.#engine.close(graceMs);

  #changed(task: Task): void {
    if (isTerminal(task)) this.#open.delete(task.id);
    else this.#open.set(task.id, task);
    this.#changes.emit('change');
  }
}

/** An agent that works until it is cancelled. */
export const endless: FakeAgent = ({ signal }) =>
  new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('stopped')));
  });

export const echo: FakeAgent = async ({ task }) => {
  const { message } = task.input;
  return typeof message === 'string' ? message : JSON.stringify(task.input satisfies Json);
};
