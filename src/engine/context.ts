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
import type { Commit, TaskContext } from '../task/engine.ts';
import type { ProgressEvent } from '../task/event.ts';
import type { InputResponse, Question } from '../task/question.ts';
import type { Run } from './run.ts';

/** Where a branch begins: what its opener had seen. */
interface Beginning {
  now: number;
  waited: number;
  isReplaying: boolean;
}

export function taskContext(run: Run): TaskContext {
  const isReplaying = run.steps.size > 0 || run.questions.size > 0;
  return branchContext(run, '', { now: run.task.createdAt, waited: 0, isReplaying });
}

function branchContext(run: Run, path: string, beginning: Beginning): TaskContext {
  const { signal } = run.abort;
  const keyOf = (name: string): string => (path === '' ? name : `${path}/${name}`);
  let { now, waited, isReplaying } = beginning;
  let held: ProgressEvent[] = [];
  const seen = (at: number): void => {
    now = Math.max(now, at);
  };
  const replayed = (at: number): void => {
    seen(at);
    isReplaying = true;
    held = [];
  };
  /** Something new: what began right before it begins now. */
  const live = (): void => {
    if (!isReplaying) return;
    isReplaying = false;
    for (const event of held) if (event.type.endsWith('_start')) tell(event);
    held = [];
  };
  const tell = (event: ProgressEvent): void => run.tell({ ...event, path, at: Date.now() });

  return {
    path,
    signal,
    get now() {
      return now;
    },
    get waited() {
      return waited;
    },
    get hasListeners() {
      return run.wantsDeltas;
    },

    async step(name, effect) {
      signal.throwIfAborted();
      const key = keyOf(name);
      const record = run.steps.get(key);
      if (record !== undefined) {
        replayed(record.at);
        return record.value as Awaited<ReturnType<typeof effect>>;
      }
      live();
      return run.working(async () => {
        const value = await effect(signal, commitOf(run, key));
        const at = Date.now();
        await run.write({ kind: 'step', key, value: JSON.stringify(value ?? null), at });
        signal.throwIfAborted();
        seen(at);
        return value;
      });
    },

    unfinished(name) {
      const key = keyOf(name);
      return run.steps.has(key) ? undefined : run.intents.get(key);
    },

    async requestInput(name, request): Promise<InputResponse> {
      signal.throwIfAborted();
      const key = keyOf(name);
      if (!run.questions.has(key)) await run.working(() => run.ask(questionOf(key, request)));
      const recorded = run.questions.get(key)?.answer;
      const answer = recorded ?? (await run.answerTo(key));
      waited += Math.max(0, answer.at - Math.max(now, run.questions.get(key)?.askedAt ?? now));
      if (recorded === undefined) seen(answer.at);
      else replayed(answer.at);
      return answer.response;
    },

    previous: () => run.working(() => run.previous()),

    async branch(key, body) {
      signal.throwIfAborted();
      const branch = branchContext(run, keyOf(key), { now, waited, isReplaying });
      const value = await body(branch);
      seen(branch.now);
      waited = Math.max(waited, branch.waited);
      return value;
    },

    emit(event) {
      if (isReplaying) held.push(event);
      else tell(event);
    },
  };
}

function commitOf(run: Run, key: string): Commit {
  const { signal } = run.abort;
  const commit = async (bytes: string, effect: Parameters<Commit>[1]): Promise<void> => {
    signal.throwIfAborted();
    // What may not be repeated must not be forgotten either: not even by a power cut.
    await run.write({ kind: 'intent', key, bytes, effect, at: Date.now() }, { barrier: effect === 'unsafe' });
    signal.throwIfAborted();
  };
  const reference = (id: string): Promise<void> =>
    run.write({ kind: 'reference', key, reference: id, at: Date.now() }, { barrier: true });
  return Object.assign(commit, { reference });
}

const questionOf = (key: string, request: Question['request']): Question => ({
  key,
  wireKey: wireKeyOf(key, 1),
  request,
  askedAt: Date.now(),
});

/**
 * A name that the task's author gave at the root is kept; of any other question the key says nothing. It is the same
 * after a crash between two writes, and new for every attempt.
 */
function wireKeyOf(key: string, attempt: number): string {
  const name = /^[A-Za-z_]\w{0,63}$/.test(key)
    ? key
    : createHash('sha256').update(key).digest('base64url').slice(0, 12);
  return attempt === 1 && name === key ? name : `${name}.${attempt}`;
}

/** The key under which a question is asked again. */
export function nextWireKey({ key, wireKey }: Question): string {
  const attempt = Number(/\.(\d+)$/.exec(wireKey)?.[1] ?? 1);
  return wireKeyOf(key, attempt + 1);
}
