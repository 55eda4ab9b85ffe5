/**
 * One stretch of a task in memory: from its start or its waking to its end or its parking.
 *
 * Invariants:
 *   - what is recorded about the task is here, as the store has it; every write names the fence (E3);
 *   - it rests when branches wait for answers and no verb is at work. C4 makes that the whole truth: code of a task
 *     awaits nothing else, so by the next turn of the event loop every continuation has run. Then it is parked: its
 *     promises are dropped and never settle;
 *   - once it is closed, nothing is told or resumed, and nothing is written but what a call of it became elsewhere: as
 *     long as the fence is its own, whoever goes on with the task has to know of that.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { AuditNote } from '../task/audit.ts';
import type { Finished, Kept, Range } from '../task/engine.ts';
import type { ProgressEvent } from '../task/event.ts';
import type { Answer, Intent, Question, Sent } from '../task/question.ts';
import type { StepRecord, Task, TerminalState } from '../task/task.ts';
import { byItself, FencedError, type Loaded, type Write } from './store.ts';

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
/** A write of this run; task and fence are added. */
type RunWrite = DistributiveOmit<Exclude<Write, { kind: 'task' }>, 'id' | 'fence'>;

export interface RunPorts {
  /** @returns whether it was stored; an end may come too early. */
  write(write: Write, options?: { barrier: boolean }): Promise<boolean>;
  tell(event: ProgressEvent & { path: string; at: number }): void;
  wantDeltas(): boolean;
  previous(): Promise<readonly Finished[]>;
  kept(id: string, range: Range): Promise<Kept | undefined>;
  /** Why it is not ours any more. */
  whyLost(): Promise<Error>;
  /** Its questions are others in the store: so its status may be. */
  asksAnew(): void;
  /** Nothing of it is at work any more: from this call on it must not be resumed. */
  parked(): void;
}

export class Run {
  readonly task: Task;
  readonly abort = new AbortController();
  readonly steps: ReadonlyMap<string, StepRecord>;
  readonly intents: ReadonlyMap<string, Intent>;
  readonly questions: Map<string, Question>;
  /** What people have sent to it, oldest first; replaced as a whole. */
  #inbox: readonly Sent[];
  /** How many of them its code has seen, or could from its beginning on. */
  #heard: number;
  readonly #fence: number;
  readonly #ports: RunPorts;
  readonly #waiting = new Map<string, PromiseWithResolvers<Answer>>();
  /** Steps whose effect is at work: others may ask through them. */
  readonly #effects = new Set<string>();
  readonly #firstRecord = Promise.withResolvers<void>();
  #atWork = 0;
  #isClosed = false;

  constructor({ task, fence, steps, intents, questions, sent }: Loaded, ports: RunPorts) {
    this.task = task;
    this.steps = new Map(steps.map((step) => [step.key, step]));
    this.intents = intents;
    this.questions = new Map(questions.map((question) => [question.key, question]));
    this.#inbox = sent;
    this.#heard = sent.length;
    this.#fence = fence;
    this.#ports = ports;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get wantsDeltas(): boolean {
    return this.#ports.wantDeltas();
  }

  /** Resolves when something new is recorded. */
  get firstRecord(): Promise<void> {
    return this.#firstRecord.promise;
  }

  get openQuestions(): number {
    return this.#open(() => true).length;
  }

  /** From now on nothing is written: the task has ended, is parked, or is somebody else's. */
  close(): void {
    this.#isClosed = true;
  }

  /** Its code is told to end; every verb of it rejects. */
  cut(why: Error): void {
    this.abort.abort(why);
    for (const { reject } of this.#waiting.values()) reject(why);
    this.#waiting.clear();
  }

  async write(write: RunWrite, options?: { barrier: boolean }): Promise<void> {
    await this.#write(write, options);
  }

  /**
   * An answer is held up by messages that came after its code looked last: nobody may be told that they were taken,
   * and then not be heard. What failed is not.
   * @returns whether the task has ended; otherwise it wants to run again, from its beginning, with all that was sent.
   */
  async end(state: TerminalState, at: number, notes: readonly AuditNote[]): Promise<boolean> {
    const { status, ...outcome } = state;
    const hearing = status === 'completed' ? { heard: this.#heard } : {};
    const end = { status, outcome: JSON.stringify(outcome), at, ...hearing, ...(notes.length > 0 && { notes }) };
    const stored = this.#write({ kind: 'end', ...end }, { barrier: true });
    this.close();
    return stored;
  }

  /** Whoever cannot keep it hears by the signal, before anything else, whether another process goes on with the task. */
  async refer(key: string, reference: string): Promise<void> {
    try {
      await this.write({ kind: 'reference', key, reference, at: Date.now() }, { barrier: true });
    } catch (error) {
      if (error instanceof FencedError) this.cut(await this.#ports.whyLost());
      throw error;
    }
  }

  async #write(write: RunWrite, options?: { barrier: boolean }): Promise<boolean> {
    if (this.#isClosed && write.kind !== 'reference') throw new FencedError('The task has ended.');
    const isStored = await this.#ports.write({ ...write, id: this.task.id, fence: this.#fence }, options);
    this.#firstRecord.resolve();
    return isStored;
  }

  tell(event: ProgressEvent & { path: string; at: number }): void {
    if (!this.#isClosed) this.#ports.tell(event);
  }

  previous(): Promise<readonly Finished[]> {
    return this.#ports.previous();
  }

  kept(id: string, range: Range): Promise<Kept | undefined> {
    return this.#ports.kept(id, range);
  }

  /** All that the store has: whoever reads it twice may read the older last. */
  heard(sent: readonly Sent[]): void {
    if (sent.length > this.#inbox.length) this.#inbox = sent;
  }

  /** Its code looks at what was sent so far. */
  inbox(): readonly Sent[] {
    this.#heard = this.#inbox.length;
    return this.#inbox;
  }

  /** `value` is JSON text. What the step relayed is withdrawn with it. */
  async record(key: string, value: string, at: number, notes: readonly AuditNote[]): Promise<void> {
    await this.write({ kind: 'step', key, value, at, ...(notes.length > 0 && { notes }) });
    this.#withdrawn((question) => question.relayedBy === key, at);
  }

  /** Those of the questions that are open. */
  async withdraw(which: (question: Question) => boolean): Promise<void> {
    const keys = this.#open(which).map(({ key }) => key);
    if (keys.length === 0) return;
    const at = Date.now();
    await this.write({ kind: 'withdraw', keys, at });
    this.#withdrawn(({ key }) => keys.includes(key), at);
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

  /** What the step `key` does. */
  async effect<T>(key: string, effect: () => Promise<T>): Promise<T> {
    this.#effects.add(key);
    try {
      return await effect();
    } finally {
      this.#effects.delete(key);
    }
  }

  isAtWork(key: string): boolean {
    return this.#effects.has(key);
  }

  async ask(question: Question): Promise<void> {
    // Before it is stored: its answer may come before we hear that it was.
    this.questions.set(question.key, question);
    await this.write({ kind: 'question', question, at: question.askedAt }, { barrier: true });
    this.#ports.asksAnew();
  }

  answerTo(key: string): Promise<Answer> {
    this.abort.signal.throwIfAborted();
    const known = this.questions.get(key)?.answer;
    if (known !== undefined) return Promise.resolve(known);
    const answer = this.#waiting.get(key) ?? Promise.withResolvers<Answer>();
    this.#waiting.set(key, answer);
    this.#checkRest();
    return answer.promise;
  }

  /** What the store has taken. */
  answered(question: Question, answer: Answer): void {
    if (this.#isClosed || this.questions.get(question.key)?.answer !== undefined) return;
    this.questions.set(question.key, { ...question, answer });
    this.#waiting.get(question.key)?.resolve(answer);
    this.#waiting.delete(question.key);
  }

  #open(which: (question: Question) => boolean): Question[] {
    // Most tasks ask nothing.
    if (this.questions.size === 0) return [];
    return [...this.questions.values()].filter((question) => question.answer === undefined && which(question));
  }

  #withdrawn(which: (question: Question) => boolean, at: number): void {
    const open = this.#open(which);
    const answer: Answer = { response: { action: 'withdrawn' }, by: byItself, at };
    for (const question of open) this.answered(question, answer);
    if (open.length > 0) this.#ports.asksAnew();
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
