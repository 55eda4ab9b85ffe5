/**
 * Keeps V8's young space to 32 MB. Node 24 lets it grow to 128 MB, for throughput; a server pays for that with memory
 * that it never gives back, and with pauses: what survives a collection is copied at once, and of four times the space
 * it is four times as much.
 *
 * `--max-semi-space-size` says the same, but is read when the process begins, and how that begins is not ours to say.
 * The factor by which the space grows is read whenever it would grow, so it is 1 while the space is large enough, and
 * 2, as by default, when it has shrunk.
 */
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

const mostBytes = 32 * 1024 * 1024;
/** To outgrow the bound, as many bytes as the space has must survive first: that takes seconds. */
const lookEveryMs = 250;

/** @returns what lets it grow again. */
export function keepYoungSpaceSmall(): () => void {
  let factor = 2;
  const growBy = (next: number): void => {
    if (next !== factor) setFlagsFromString(`--semi-space-growth-factor=${(factor = next)}`);
  };
  const timer = setInterval(() => growBy(youngSpace() < mostBytes ? 2 : 1), lookEveryMs);
  timer.unref();
  return () => {
    clearInterval(timer);
    growBy(2);
  };
}

/** Bytes. */
const youngSpace = (): number =>
  getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')?.space_size ?? 0;
