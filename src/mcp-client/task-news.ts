/** What a server says of its tasks unasked, for whoever follows one. Nobody relies on it: it only saves time. */
import { isJsonObject, type JsonObject } from '../json.ts';
import { isTerminal, readTask, type RemoteTask } from './remote-task.ts';

/** Those who follow tasks of one server, by task. */
export interface TaskNews {
  /** `params` of a notification about a task, as it came. */
  tell(params: unknown): void;
  /** @returns how to stop hearing of it. */
  hear(id: string, onNews: (params: JsonObject) => void): () => void;
}

export function taskNews(): TaskNews {
  const followers = new Map<string, Set<(params: JsonObject) => void>>();
  return {
    tell(params) {
      const id = isJsonObject(params) ? params['taskId'] : undefined;
      if (!isJsonObject(params) || typeof id !== 'string') return;
      for (const onNews of followers.get(id) ?? []) onNews(params);
    },
    hear(id, onNews) {
      const those = followers.get(id) ?? new Set();
      followers.set(id, those.add(onNews));
      return () => {
        those.delete(onNews);
        if (those.size === 0) followers.delete(id);
      };
    },
  };
}

/** One follower's ear. */
export interface Ear {
  /** Waits for news or the time, whichever is first. @returns what was told, where it says enough. */
  next(ms: number, signal: AbortSignal): Promise<RemoteTask | undefined>;
  /** Ends the wait: there is something to look at. */
  poke(): void;
  /** Something was told already. */
  readonly hasHeard: boolean;
  /** What was told so far says nothing of what will be. */
  forget(): void;
  close(): void;
}

export function openEar(news: TaskNews, id: string): Ear {
  let latest: JsonObject | undefined;
  let hasHeard = false;
  let isPoked = false;
  let wake = (): void => {};
  const close = news.hear(id, (params) => {
    latest = params;
    hasHeard = true;
    wake();
  });
  return {
    async next(ms, signal) {
      const isNews = latest !== undefined || isPoked;
      if (!isNews && ms > 0 && !signal.aborted) await pause(ms, signal, (woken) => (wake = woken));
      const told = latest;
      latest = undefined;
      isPoked = false;
      return told === undefined ? undefined : wholeTask(told, id);
    },
    poke() {
      isPoked = true;
      wake();
    },
    get hasHeard() {
      return hasHeard;
    },
    forget() {
      hasHeard = false;
    },
    close,
  };
}

/** An end is taken from a notification only with what it came to, and a question never: a poll says more. */
function wholeTask(params: JsonObject, id: string): RemoteTask | undefined {
  try {
    const task = readTask(params, id);
    const isWhole = isTerminal(task.status) ? (task.result ?? task.error) !== undefined : task.status === 'working';
    return isWhole ? task : undefined;
  } catch {
    return undefined;
  }
}

function pause(ms: number, signal: AbortSignal, onWake: (wake: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
    onWake(done);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}
