/**
 * Keeps a waiting caller informed: each event as it happens, but not faster than `minGapMs`; and when nothing happens,
 * the newest one again before `maxGapMs` have passed, so that hosts with idle time-outs go on waiting.
 */
export interface Progress {
  /** The newest line replaces one that could not be sent yet. */
  tell(message: string): void;
  /** Nothing is sent afterwards (2026-07-28, progress: "MUST stop after completion"). */
  stop(): void;
}

export interface ProgressUpdate {
  /** 1, 2, 3, ...: must increase with every notification. */
  progress: number;
  message: string;
}

export function startProgress(
  send: (update: ProgressUpdate) => void,
  { minGapMs = 100, maxGapMs }: { minGapMs?: number; maxGapMs: number },
): Progress {
  const begun = Date.now();
  let sent = 0;
  let sentAt = 0;
  let latest = 'begins';
  let waiting = false;
  let timer: NodeJS.Timeout | undefined;

  const flush = (message: string): void => {
    sent += 1;
    sentAt = Date.now();
    waiting = false;
    arm(maxGapMs);
    send({ progress: sent, message });
  };
  const arm = (ms: number): void => {
    clearTimeout(timer);
    timer = setTimeout(() => flush(waiting ? latest : `${latest} (${seconds(Date.now() - begun)})`), ms);
  };

  arm(maxGapMs);
  return {
    tell(message) {
      if (timer === undefined) return;
      latest = message;
      const left = sentAt + minGapMs - Date.now();
      if (left <= 0) flush(message);
      else if (!waiting) {
        waiting = true;
        arm(left);
      }
    },
    stop() {
      clearTimeout(timer);
      timer = undefined;
    },
  };
}

const seconds = (ms: number): string => `${Math.round(ms / 1000)} s`;
