/**
 * Keeps V8's heap small where a process lives long: the young space to 32 MB, the old one to twice what lives in it.
 *
 * Left alone, Node 24 lets the young space grow to 128 MB and the old one to four times what lives, for throughput. A
 * server pays with memory that it hardly ever gives back, and with pauses: what survives a young collection is copied at
 * once, and of four times the space it is four times as much.
 *
 * `--max-semi-space-size` bounds the young space too, but is read when the process begins, and how that begins is not
 * ours to say. The factor by which the space grows is read whenever it would grow: so it is 1 while the space is large
 * enough, and 2, as by default, when it has shrunk.
 */
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

const mostYoung = 32 * 1024 * 1024;
/** To outgrow the bound, as many bytes as the space has must survive first: that takes seconds. */
const lookEveryMs = 250;
/** What may be added to the old space before a full collection, in percent of what lived after the last one. */
const growth = 100;
const asByDefault = 0;

/** @returns what lets it grow again. */
export function keepHeapSmall(): () => void {
  let factor = 2;
  const growYoungBy = (next: number): void => {
    if (next !== factor) setFlagsFromString(`--semi-space-growth-factor=${(factor = next)}`);
  };
  setFlagsFromString(`--heap-growing-percent=${growth}`);
  const timer = setInterval(() => growYoungBy(youngSpace() < mostYoung ? 2 : 1), lookEveryMs);
  timer.unref();
  return () => {
    clearInterval(timer);
    growYoungBy(2);
    setFlagsFromString(`--heap-growing-percent=${asByDefault}`);
  };
}

/** Bytes. */
const youngSpace = (): number =>
  getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')?.space_size ?? 0;
