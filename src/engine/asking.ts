/** How a running task asks: under which keys, and for whom. */
import { hash } from 'node:crypto';
import type { InputRequest, InputResponse, Question } from '../task/question.ts';
import type { Run } from './run.ts';

/** @param expiresInMs after which it is answered by `expired`; also a fraction, as delays with jitter are. */
export function questionOf(task: string, key: string, request: Question['request'], expiresInMs = Infinity): Question {
  const askedAt = Date.now();
  const expiresAt = Math.ceil(askedAt + expiresInMs);
  const expiry = Number.isSafeInteger(expiresAt) ? { expiresAt } : {};
  return { key, wireKey: wireKeyOf(task, key), request, askedAt, ...expiry };
}

/**
 * Asks for somebody else from inside the step at work whose key is `relayedBy`; `signal` says that nobody needs the
 * answer any more. What an earlier process asked in the same words under the same key is not asked twice; an answer to
 * other words, or one that was withdrawn, is none.
 */
export async function relay(
  run: Run,
  { key: wanted, relayedBy, request }: { key: string; relayedBy: string; request: InputRequest },
  signal: AbortSignal,
): Promise<InputResponse> {
  // Who asks after the call has ended asks nobody.
  if (signal.aborted || !run.isAtWork(relayedBy)) return { action: 'withdrawn' };
  const key = freeKey(run, wanted, request);
  if (!run.questions.has(key)) await run.ask({ ...questionOf(run.task.id, key, request), relayedBy });
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {});
  const withdraw = (): void => void run.withdraw((question) => question.key === key).catch(failed.reject);
  if (signal.aborted) withdraw();
  signal.addEventListener('abort', withdraw);
  try {
    return (await Promise.race([run.answerTo(key), failed.promise])).response;
  } finally {
    signal.removeEventListener('abort', withdraw);
  }
}

function freeKey(run: Run, wanted: string, request: InputRequest): string {
  const asked = JSON.stringify(request);
  for (let attempt = 1; ; attempt += 1) {
    const key = attempt === 1 ? wanted : `${wanted} (${attempt})`;
    const before = run.questions.get(key);
    const isUsable = before?.answer?.response.action !== 'withdrawn' && JSON.stringify(before?.request) === asked;
    if (before === undefined || isUsable) return key;
  }
}

/**
 * A name that the task's author gave at the root is kept. Any other question is told from those of all tasks, so that
 * an answer that is sent to the wrong one fits none; the key is the same after a crash between two writes, and says
 * nothing. It begins with a letter: people give it to commands.
 */
const wireKeyOf = (task: string, key: string): string =>
  /^[A-Za-z_]\w{0,63}$/.test(key) ? key : `q${hash('sha256', `${task}\n${key}`, 'base64url').slice(0, 12)}.1`;

/** Software that dismisses whatever it is asked would be asked without end. */
const mostRepeats = 10;

/** The key under which a question is asked again; undefined where that was done often enough. */
export function nextWireKey({ wireKey }: Question): string | undefined {
  const [, name = wireKey, attempt = 1] = /^(.*)\.(\d+)$/.exec(wireKey) ?? [];
  return Number(attempt) > mostRepeats ? undefined : `${name}.${Number(attempt) + 1}`;
}
