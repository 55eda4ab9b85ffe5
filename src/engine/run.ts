/**
 * One stretch of a task in memory: from its start or its waking to its end or its parking.
 *
 * Invariants:
 *   - what is recorded about the task is here, as the store has it; every write names the fence (E3);
 *   - it rests when branches wait for answers and no verb is at work. C4 makes that the whole truth: code of a task
 *     awaits nothing else, so by the next turn of the event loop every continuation has run. Then it is parked: its
 *     promises are dropped and never settle.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Finished } from '../task/engine.ts';
import type { ProgressEvent } from '../task/event.ts';
import type { Answer, Intent, Question } from '../task/question.ts';
import type { StepRecord, Task } from '../task/task.ts';
import type { Loaded, Write } from './store.ts';
import type { Watchers } from './watchers.ts';

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
/** A write of this run; task and fence are added. */
export type RunWrite = DistributiveOmit<Exclude<Write, { kind: 'task' }>, 'id' | 'fence'>;

export interface RunPorts {
  write(write: Write, options?: { barrier: boolean }): Promise<void>;
  tell(event: ProgressEvent & { path: string; at: number }): void;
  previous(): Promise<readonly Finished[]>;
  /** A question was stored: the task's status is another one. */
  asked(): void;
  /** Nothing of it is at work any more: from this call on it must not be resumed. */
  parked(): void;
}

export class Run {
  readonly task: Task;
  readonly fence: number;
  readonly abort = new AbortController();
  readonly watchers: Watchers;
  readonly steps: ReadonlyMap<string, StepRecord>;
  readonly intents: ReadonlyMap<string, Intent>;
  readonly questions: Map<string, Question>;
  readonly #ports: RunPorts;
  readonly #waiting = new Map<string, (answer: Answer) => void>();
  #atWork = 0;
  #isClosed = false;

  constructor({ task, fence, steps, intents, questions }: Loaded, watchers: Watchers, ports: RunPorts) {
    this.task = task;
    this.fence = fence;
    this.watchers = watchers;
    this.steps = new Map(steps.map((step) => [step.key, step]));
    this.intents = intents;
    this.questions = new Map(questions.map((question) => [question.key, question]));
    this.#ports = ports;
  }

  /** From now on nothing is written: the task has ended, is parked, or is somebody else's. */
  closeJournal(): void {
    this.#isClosed = true;
  }

  write(write: RunWrite, options?: { barrier: boolean }): Promise<void> {
    if (this.#isClosed) return Promise.reject(new Error('The task has ended.'));
    return this.#ports.write({ ...write, id: this.task.id, fence: this.fence }, options);
  }

  tell(event: ProgressEvent & { path: string; at: number }): void {
    this.#ports.tell(event);
  }

  previous(): Promise<readonly Finished[]> {
    return this.#ports.previous();
  }

  /** A verb at work: the task does not rest meanwhile. */
  async working<T>(verb: () => Promise<T>): Promise<T> {
    this.#atWork += 1;
    try {
      return await verb();
    } finally {
      this.#atWork -= 1;
      this.#checkRest();
    }
  }

  async ask(question: Question): Promise<void> {
    await this.write({ kind: 'question', question, at: question.askedAt }, { barrier: true });
    this.questions.set(question.key, question);
    this.#ports.asked();
  }

  answerTo(key: string): Promise<Answer> {
    const known = this.questions.get(key)?.answer;
    if (known !== undefined) return Promise.resolve(known);
    return new Promise((resolve) => {
      this.#waiting.set(key, resolve);
      this.#checkRest();
    });
  }

  /** What the store has taken. */
  answered(question: Question, answer: Answer): void {
    this.questions.set(question.key, { ...question, answer });
    const resolve = this.#waiting.get(question.key);
    this.#waiting.delete(question.key);
    resolve?.(answer);
  }

  #checkRest(): void {
    if (this.#atWork > 0 || this.#waiting.size === 0) return;
    void nextTurn().then(() => {
      if (this.#isClosed || this.#atWork > 0 || this.#waiting.size === 0) return;
      this.#waiting.clear();
      this.#ports.parked();
    });
  }
}
