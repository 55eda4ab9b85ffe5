/** The ways in which a person's answer comes: each shows what is asked, and takes an answer as its wire can. */
import { createEngine } from '../../src/engine/engine.ts';
import { openSqliteStore } from '../../src/engine/sqlite/store.ts';
import { silentLog } from '../../src/log.ts';
import type { InputRequest, InputResponse } from '../../src/task/question.ts';
import { isTerminal, type Task } from '../../src/task/task.ts';
import type { ChannelName } from './case.ts';
import { type Life, owner } from './life.ts';
import type { Shown } from './person.ts';
import { ask2026, call2025, declares, type Message } from './wire.ts';

/** One task, seen through one channel. */
export interface Conversation {
  task: string;
  /** What is asked now, as soon as something is; nothing where the task is over. */
  asked: () => Promise<Shown[]>;
  /** @param key of a question, also of one that is not this task's. */
  answer: (key: string, response: InputResponse) => Promise<void>;
  close: () => Promise<void>;
}

export interface Channel {
  name: ChannelName;
  /** Starts a task with this message. */
  start: (life: Life, message: string) => Promise<Conversation>;
  /** Another process goes on with a task; without it, the channel died with its server. */
  join?: (life: Life, task: string) => Promise<Conversation>;
}

const nothing = async (): Promise<void> => {};
const until = async <T>(look: () => Promise<T | undefined>): Promise<T> => {
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
};

export function questionsOf(task: Task): Shown[] | undefined {
  if (task.status !== 'input_required') return isTerminal(task) ? [] : undefined;
  const messageOf = (request: InputRequest): string => (request.kind === 'form' ? request.message : '');
  return Object.entries(task.inputRequests).map(([key, request]) => ({
    task: task.id,
    key,
    message: messageOf(request),
  }));
}

/** Another process that opens the same store, as `deputy approvals` does. */
const commandLine: Required<Channel> = {
  name: 'command line',
  async start(life, message) {
    const input = { message };
    const { id } = await life.engine.start({ agent: 'lead', owner, input, idempotencyKey: message });
    return commandLine.join(life, id);
  },
  join: async ({ path }, task) => {
    const engine = createEngine({
      store: openSqliteStore(path),
      handler: () => Promise.reject(new Error('nothing runs here')),
      log: silentLog,
      adopts: 'own',
      timings: { tick: 10 },
    });
    return {
      task,
      asked: () => until(async () => questionsOf(await engine.get(task, owner))),
      answer: async (key, response) =>
        void (await engine.respond(task, owner, { [key]: response }, { channel: 'cli' })),
      close: () => engine.close(0),
    };
  },
};

const call = (message: string, more: Message = {}): Message => ({ name: 'lead', arguments: { message }, ...more });

const task2026: Required<Channel> = {
  name: '2026 task',
  async start(life, message) {
    const created = await ask2026(await life.url(), 'tools/call', call(message), declares.tasks);
    return task2026.join(life, String(created?.['taskId']));
  },
  async join(life, task) {
    const url = await life.url();
    const look = async (): Promise<Shown[] | undefined> => {
      const { status, inputRequests } = (await ask2026(url, 'tasks/get', { taskId: task }, declares.tasks)) ?? {};
      if (status === 'working') return undefined;
      return Object.entries((inputRequests ?? {}) as Record<string, Message>).map(([key, { params }]) => ({
        task,
        key,
        message: String(params['message']),
      }));
    };
    return {
      task,
      asked: () => until(look),
      async answer(key, response) {
        await ask2026(url, 'tasks/update', { taskId: task, inputResponses: { [key]: response } }, declares.tasks);
      },
      close: nothing,
    };
  },
};

const rounds2026: Channel = {
  name: '2026 rounds',
  async start(life, message) {
    const url = await life.url();
    const round = (more: Message = {}) => ask2026(url, 'tools/call', call(message, more), declares.forms);
    const first = (await round()) ?? {};
    const { requestState } = first;
    const task = await taskIn(life, message);
    return {
      task,
      asked: async () =>
        Object.entries((first['inputRequests'] ?? {}) as Record<string, Message>).map(([key, { params }]) => ({
          task,
          key,
          message: String(params['message']),
        })),
      // The next round waits for what is asked next, and brings nothing that is not in the store.
      answer: async (key, response) => void (await round({ requestState, inputResponses: { [key]: response } })),
      close: nothing,
    };
  },
};

const dialog2025: Channel = {
  name: '2025 dialog',
  async start(life, message) {
    const { asked, reply } = await call2025(await life.url(), 'lead', { message });
    const shown = new Map<string, unknown>();
    const first = await asked.next();
    const task = await taskIn(life, message);
    return {
      task,
      async asked() {
        if (first.done === true) return [];
        const [one] = questionsOf(await life.engine.get(task, owner)) ?? [];
        if (one === undefined) return [];
        shown.set(one.key, first.value.id);
        return [{ task, key: one.key, message: first.value.message }];
      },
      answer: (key, response) => reply(shown.get(key) ?? key, response),
      close: async () => void asked.return(undefined).catch(() => {}),
    };
  },
};

const handleTool: Required<Channel> = {
  name: 'handle tool',
  async start(life, message) {
    const called = await ask2026(await life.url(), 'tools/call', call(message), declares.nothing);
    return handleTool.join(life, String(called?.['structuredContent']?.['task']));
  },
  async join(life, task) {
    const url = await life.url();
    const use = (name: string, args: Message) =>
      ask2026(url, 'tools/call', { name, arguments: { task, ...args } }, declares.nothing);
    return {
      task,
      asked: () =>
        until(async () => {
          const { status, questions = [] } = (await use('task_get', { wait_seconds: 0 }))?.['structuredContent'] ?? {};
          if (status === 'working') return undefined;
          return (questions as Message[]).map(({ key, message }) => ({ task, key, message }));
        }),
      answer: async (key, response) => void (await use('task_answer', { answers: { [key]: response } })),
      close: nothing,
    };
  },
};

/** The task that was started with this message: what these calls answer with does not say. */
async function taskIn({ engine }: Life, message: string): Promise<string> {
  const task = (await engine.list({ owner })).find(({ input }) => input['message'] === message);
  if (task === undefined) throw new Error(`no task was started with "${message}"`);
  return task.id;
}

export const channels: readonly Channel[] = [commandLine, task2026, rounds2026, dialog2025, handleTool];
export const atTheCommandLine = commandLine;
