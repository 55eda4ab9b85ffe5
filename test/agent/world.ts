/**
 * A task's records in memory, and lives of its process one after the other: each replays what is recorded, goes on until
 * it waits for people, and may die at any write. What really happened is kept apart from the records, by those who did it.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { runAgent } from '../../src/agent/loop.ts';
import type { Agent } from '../../src/agent/agent.ts';
import { ApprovalUsedError } from '../../src/errors.ts';
import type { Json } from '../../src/json.ts';
import type { AuditNote } from '../../src/task/audit.ts';
import type { Commit, TaskContext } from '../../src/task/engine.ts';
import type { InputRequest, InputResponse, Intent } from '../../src/task/question.ts';
import type { TaskResult } from '../../src/task/task.ts';
import { asks } from './fakes.ts';

export interface Asked {
  key: string;
  request: InputRequest;
  expiresInMs?: number;
  answer?: InputResponse;
}

export class World {
  readonly steps = new Map<string, string>();
  readonly intents = new Map<string, Intent>();
  readonly questions = new Map<string, Asked>();
  readonly notes: AuditNote[] = [];
  readonly artifacts = new Map<string, string>();
  /** Approvals, and the step whose intent consumed each. */
  readonly used = new Map<string, string>();
  result: TaskResult | undefined;
  onAsked: (asked: Asked) => void = () => {};
  /** Of the life that is lived. */
  #life = 0;
  #writes = 0;
  #dies = Infinity;
  #when: 'before' | 'after' = 'after';
  #atWork = 0;
  readonly #waiting = new Map<string, (answer: InputResponse) => void>();
  #died = Promise.withResolvers<void>();

  get open(): Asked[] {
    return [...this.questions.values()].filter(({ answer }) => answer === undefined);
  }

  /** The first answer wins. */
  answer(key: string, response: InputResponse): void {
    const question = this.questions.get(key);
    if (question === undefined || question.answer !== undefined) return;
    question.answer = response;
    this.#waiting.get(key)?.(response);
    this.#waiting.delete(key);
  }

  /** The process dies at its write number `dies` from now, `before` it is made or `after`. */
  begin(agent: Agent, dies = Infinity, when: 'before' | 'after' = 'after'): void {
    this.#life += 1;
    this.#writes = 0;
    this.#dies = dies;
    this.#when = when;
    this.#atWork = 0;
    this.#waiting.clear();
    this.#died = Promise.withResolvers();
    const life = this.#life;
    void runAgent(agent, asks('go'), this.#context(life, '')).then(
      (result) => {
        if (life === this.#life) this.result = result;
      },
      (error: unknown) => {
        if (life === this.#life) throw error;
      },
    );
  }

  /** Until the life has come to its end, waits for people, or is dead. @returns whether it lives. */
  async rest(): Promise<boolean> {
    let isDead = false;
    void this.#died.promise.then(() => (isDead = true));
    for (let quiet = 0; quiet < 3;) {
      await nextTurn();
      if (isDead) return false;
      quiet = this.#atWork === 0 ? quiet + 1 : 0;
    }
    return true;
  }

  #context(life: number, path: string): TaskContext {
    const keyOf = (name: string): string => (path === '' ? name : `${path}/${name}`);
    const abort = new AbortController();
    const never = new Promise<never>(() => {});
    const write = async (make: () => void): Promise<void> => {
      await nextTurn();
      if (life !== this.#life || this.#writes >= this.#dies) return never;
      this.#writes += 1;
      const isLast = this.#writes >= this.#dies;
      if (!isLast || this.#when === 'after') make();
      if (!isLast) return undefined;
      this.#died.resolve();
      return never;
    };
    const working = async <T>(verb: () => Promise<T>): Promise<T> => {
      if (life !== this.#life) return never;
      this.#atWork += 1;
      try {
        return await verb();
      } finally {
        if (life === this.#life) this.#atWork -= 1;
      }
    };
    const ask = async (key: string, request: InputRequest, expiresInMs?: number): Promise<InputResponse> => {
      const asked = this.questions.get(key);
      if (asked?.answer !== undefined) return asked.answer;
      const question = { key, request, ...(expiresInMs !== undefined && { expiresInMs }) };
      if (asked === undefined)
        await working(() =>
          write(() => {
            this.questions.set(key, question);
            this.onAsked(question);
          }),
        );
      const answered = this.questions.get(key)?.answer;
      return answered ?? new Promise((resolve) => this.#waiting.set(key, resolve));
    };
    const notes: AuditNote[] = [];
    return {
      task: 't1',
      owner: 'ann',
      path,
      signal: abort.signal,
      now: 0,
      waited: 0,
      hasListeners: false,
      inbox: [],
      step: async <T>(name: string, effect: (signal: AbortSignal, commit: Commit) => Promise<T>): Promise<T> => {
        const key = keyOf(name);
        const record = this.steps.get(key);
        if (record !== undefined) return JSON.parse(record) as T;
        return working(async () => {
          const value = await effect(abort.signal, this.#commit(key, write));
          await write(() => {
            this.steps.set(key, JSON.stringify(value));
            this.notes.push(...notes.splice(0));
          });
          return JSON.parse(JSON.stringify(value)) as T;
        });
      },
      unfinished: (name) => (this.steps.has(keyOf(name)) ? undefined : this.intents.get(keyOf(name))),
      requestInput: (name, request, expiresInMs) => ask(keyOf(name), request, expiresInMs),
      // Its step stays at work, and waits for people all the same.
      relay: async (_, name, request) => {
        this.#atWork -= 1;
        const answer = await ask(keyOf(name), request);
        if (life !== this.#life) return never;
        this.#atWork += 1;
        return answer;
      },
      withdraw: () => Promise.resolve(),
      sleep: () => Promise.resolve(),
      keep: async (name, words) => {
        this.artifacts.set(keyOf(name), words);
        return keyOf(name);
      },
      kept: async (id, { offset, length }) => {
        const words = this.artifacts.get(id);
        return words === undefined ? undefined : { text: words.slice(offset, offset + length), total: words.length };
      },
      note: (note) => notes.push(note),
      previous: () => Promise.resolve([]),
      branch: (key, body) => body(this.#context(life, keyOf(key))),
      emit: () => {},
    };
  }

  #commit(key: string, write: (make: () => void) => Promise<void>): Commit {
    const commit: Commit = Object.assign(
      async (...[bytes, effect, grant]: Parameters<Commit>): Promise<void> => {
        const approval = grant?.approval;
        if (approval !== undefined && (this.used.get(approval) ?? key) !== key) throw new ApprovalUsedError();
        await write(() => {
          if (approval !== undefined) this.used.set(approval, key);
          this.intents.set(key, { bytes, effect, at: 0, ...(approval !== undefined && { approval }) });
        });
      },
      {
        reference: (id: string) =>
          write(() => {
            const intent = this.intents.get(key);
            if (intent !== undefined) this.intents.set(key, { ...intent, reference: id });
          }),
      },
    );
    return commit;
  }
}

/** The value of a recorded step. */
export const valueOf = (world: World, key: string): Json => JSON.parse(world.steps.get(key) ?? 'null') as Json;
