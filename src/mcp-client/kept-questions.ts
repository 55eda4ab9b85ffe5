/**
 * What a Deputy of 2025 asks, over the lives of its connections: a request of that era ends with its connection, but the
 * question stands. It stays open here while its server is down, and whoever puts it again gets its one answer.
 *
 * What nobody puts again is withdrawn: once the task waits for nobody, and a few looks after its server came back.
 */
import type { Asked, Relay } from './relay.ts';
import type { Server } from './server.ts';

export interface KeptQuestions extends Relay {
  /** The task was looked at. */
  seen(isWaiting: boolean): void;
}

interface Kept {
  readonly stop: AbortController;
  readonly answer: ReturnType<Relay['answer']>;
  /** Requests that wait for it. */
  asking: number;
  /** Since nobody asks it. */
  looks: number;
}

/** Looks at a task whose server is back, until all that it asks has been put again. */
const mostLooks = 3;

export function keptQuestions(server: Server, relay: Relay): KeptQuestions {
  const open = new Map<string, Kept>();

  const ask = (key: string, request: Asked): Kept => {
    const stop = new AbortController();
    const answer = relay.answer(key, request, stop.signal);
    const kept: Kept = { stop, answer, asking: 0, looks: 0 };
    open.set(key, kept);
    const forget = (): void => void (open.get(key) === kept && open.delete(key));
    answer.then(forget, forget);
    return kept;
  };

  return {
    async answer(key, request, signal) {
      const kept = open.get(key) ?? ask(key, request);
      const connection = server.connected;
      kept.asking += 1;
      kept.looks = 0;
      let onAbort = (): void => {};
      const ended = new Promise<{ action: string }>((resolve) => {
        onAbort = () => {
          const isGone = server.connected !== connection || connection?.whyClosed !== undefined;
          if (!isGone) kept.stop.abort(new Error('it is no longer asked'));
          resolve({ action: 'cancel' });
        };
      });
      if (signal.aborted) onAbort();
      signal.addEventListener('abort', onAbort, { once: true });
      try {
        return await Promise.race([kept.answer, ended]);
      } finally {
        kept.asking -= 1;
        signal.removeEventListener('abort', onAbort);
      }
    },
    seen(isWaiting) {
      for (const kept of open.values()) {
        if (kept.asking > 0) continue;
        kept.looks += 1;
        if (!isWaiting || kept.looks > mostLooks) kept.stop.abort(new Error('it is no longer asked'));
      }
    },
    nameOf: (request) => relay.nameOf(request),
    get isOver() {
      return relay.isOver;
    },
    close: () => relay.close(),
  };
}
