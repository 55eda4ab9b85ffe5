/**
 * The loop's side of a running task.
 *
 * Invariants:
 *   E1. No result without its record: a step's value is stored before the loop sees it, an intent before it may leave.
 *   E4. What is recorded is returned and not done again: a first run and a recovery take the same path.
 *   After the task was cancelled no effect begins: every verb rejects with the signal's reason.
 *   What a branch tells while it only repeats what is recorded was told before, and is not told again.
 */
import { createHash } from 'node:crypto';
import type { AuditNote } from '../task/audit.ts';
import type { Commit, TaskContext } from '../task/engine.ts';
import type { ProgressEvent } from '../task/event.ts';
import type { InputResponse, Question, Sent } from '../task/question.ts';
import { questionOf, relay } from './asking.ts';
import type { Run } from './run.ts';

/** Where a branch begins: what its opener had seen. `notes` keeps what the branch notes until a step takes it. */
interface Beginning {
  now: number;
  waited: number;
  isReplaying: boolean;
  notes: AuditNote[];
}

/** @param notes has at the end what no step took. */
export function taskContext(run: Run, notes: AuditNote[]): TaskContext {
  const isReplaying = run.steps.size > 0 || run.questions.size > 0;
  return branchContext(run, '', { now: run.task.createdAt, waited: 0, isReplaying, notes });
}

function branchContext(run: Run, path: string, beginning: Beginning): TaskContext {
  const { signal } = run.abort;
  const keyOf = (name: string): string => (path === '' ? name : `${path}/${name}`);
  let { isReplaying } = beginning;
  const changing = new Changing(run, beginning);
  let held: ProgressEvent[] = [];
  const { notes } = beginning;
  const seen = (at: number): void => {
    changing.now = Math.max(changing.now, at);
  };
  const replayed = (at: number): void => {
    seen(at);
    isReplaying = true;
    held = [];
  };
  const answered = async (question: Question): Promise<InputResponse> => {
    signal.throwIfAborted();
    const { key } = question;
    if (!run.questions.has(key)) await run.working(() => run.ask(question));
    const recorded = run.questions.get(key)?.answer;
    const answer = recorded ?? (await run.answerTo(key));
    const { now } = changing;
    changing.waited += Math.max(0, answer.at - Math.max(now, run.questions.get(key)?.askedAt ?? now));
    if (recorded === undefined) seen(answer.at);
    else replayed(answer.at);
    return answer.response;
  };
  /** Something new: what began right before it begins now. */
  const live = (): void => {
    if (!isReplaying) return;
    isReplaying = false;
    for (const event of held) if (event.type.endsWith('_start')) tell(event);
    held = [];
  };
  const tell = (event: ProgressEvent): void => run.tell({ ...event, path, at: Date.now() });

  const still: Omit<TaskContext, keyof Changing> = {
    task: run.task.id,
    owner: run.task.owner,
    ...(run.task.trace !== undefined && { trace: run.task.trace }),
    path,
    signal,

    async step(name, effect) {
      signal.throwIfAborted();
      const key = keyOf(name);
      const record = run.steps.get(key);
      if (record !== undefined) {
        // It took them the first time.
        notes.length = 0;
        changing.waited += waitedIn(run, key, changing.now);
        replayed(record.at);
        return record.value as Awaited<ReturnType<typeof effect>>;
      }
      live();
      return run.working(async () => {
        const value = await run.effect(key, () => effect(signal, commitOf(run, key)));
        const at = Date.now();
        await run.record(key, JSON.stringify(value ?? null), at, notes.splice(0));
        signal.throwIfAborted();
        changing.waited += waitedIn(run, key, changing.now);
        seen(at);
        return value;
      });
    },

    unfinished(name) {
      const key = keyOf(name);
      return run.steps.has(key) ? undefined : run.intents.get(key);
    },

    requestInput: (name, request, expiresInMs) => answered(questionOf(run.task.id, keyOf(name), request, expiresInMs)),
    async sleep(name, ms, why) {
      await answered(questionOf(run.task.id, keyOf(name), { kind: 'timer', message: why }, ms));
    },
    relay: (step, name, request, cut) => relay(run, { key: keyOf(name), relayedBy: keyOf(step), request }, cut),
    withdraw: (step) => run.working(() => run.withdraw(({ relayedBy }) => relayedBy === keyOf(step))),

    async keep(name, text) {
      const key = keyOf(name);
      // The effect that keeps it may be repeated after a crash, and bring something else.
      const artifact = `a${createHash('sha256').update(`${key}\n${text}`).digest('base64url').slice(0, 21)}`;
      await run.write({ kind: 'artifact', artifact, name: key, text, at: Date.now() });
      return artifact;
    },
    kept: (id, range) => run.kept(id, range),
    note: (note) => void notes.push(note),

    previous: () => run.working(() => run.previous()),

    async branch(key, body) {
      signal.throwIfAborted();
      const left: AuditNote[] = [];
      const { now, waited } = changing;
      const branch = branchContext(run, keyOf(key), { now, waited, isReplaying, notes: left });
      const value = await body(branch);
      notes.push(...left);
      seen(branch.now);
      changing.waited = Math.max(changing.waited, branch.waited);
      return value;
    },

    emit(event) {
      if (isReplaying) held.push(event);
      else tell(event);
    },
  };
  return Object.assign(changing, still);
}

/**
 * What is another with every look. A class, since V8 puts the accessors of an object literal into its old space: all
 * that they see, a whole task, would wait there for a full garbage collection.
 */
class Changing {
  now: number;
  waited: number;
  readonly #run: Run;

  constructor(run: Run, { now, waited }: Beginning) {
    this.now = now;
    this.waited = waited;
    this.#run = run;
  }

  get inbox(): readonly Sent[] {
    return this.#run.inbox();
  }

  get hasListeners(): boolean {
    return this.#run.wantsDeltas;
  }
}

function commitOf(run: Run, key: string): Commit {
  const { signal } = run.abort;
  const commit = async (...[bytes, effect, grant]: Parameters<Commit>): Promise<void> => {
    signal.throwIfAborted();
    // What may not be repeated must not be forgotten either: not even by a power cut.
    const intent = { key, bytes, effect, ...(grant !== undefined && { grant }) };
    await run.write({ kind: 'intent', ...intent, at: Date.now() }, { barrier: effect === 'unsafe' });
    signal.throwIfAborted();
  };
  return Object.assign(commit, { reference: (id: string) => run.refer(key, id) });
}

/** How long people were waited for on behalf of a step, after `from`: several may have been at the same time. */
function waitedIn(run: Run, step: string, from: number): number {
  if (run.questions.size === 0) return 0;
  let waited = 0;
  let until = from;
  const relayed = [...run.questions.values()].filter(({ relayedBy }) => relayedBy === step);
  for (const { askedAt, answer } of relayed.toSorted((a, b) => a.askedAt - b.askedAt)) {
    if (answer === undefined) continue;
    waited += Math.max(0, answer.at - Math.max(askedAt, until));
    until = Math.max(until, answer.at);
  }
  return waited;
}
