/** `deputy serve --watch`: takes up changes of the configuration's files while it is served. */
import { stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../config/config.ts';
import { formatProblems } from '../config/format-problems.ts';
import type { Loaded } from '../config/load-config.ts';
import { messageOf } from '../errors.ts';
import type { Runtime } from '../runtime.ts';

export interface WatchPorts {
  read: () => Promise<Loaded>;
  say: (line: string) => void;
}

/** Editors write a file in several steps, or another one in its place: by times and sizes that is seen everywhere. */
const lookEveryMs = 1_000;

/** Until `signal` aborts. What has errors is said, and the configuration of before stays. */
export async function watchConfig(runtime: Runtime, { read, say }: WatchPorts, signal: AbortSignal): Promise<void> {
  let seen = await stamp(runtime.config);
  while (await pause(signal)) {
    const now = await stamp(runtime.config);
    if (now === seen) continue;
    // Whatever is being written may be half written.
    if (!(await pause(signal))) return;
    if ((await stamp(runtime.config)) !== now) continue;
    seen = now;
    try {
      const before = runtime.config;
      const loaded = await read();
      if (!loaded.ok)
        say(`${formatProblems(loaded.problems, { color: false }).trimEnd()}\nThe agents stay as they were.`);
      else if (await runtime.replace(loaded.config)) say(takenUp(before, loaded.config));
      seen = await stamp(runtime.config);
    } catch (error) {
      say(`The changed configuration cannot be read: ${messageOf(error)}`);
    }
  }
}

function takenUp(before: Config, { agents, serve, store }: Config): string {
  const isElsewhere = (a: unknown, b: unknown): boolean => JSON.stringify(a) !== JSON.stringify(b);
  const stays =
    isElsewhere({ ...before.serve, expose: [] }, { ...serve, expose: [] }) || isElsewhere(before.store, store)
      ? ' What changed in serve (but expose) and store holds after a restart.'
      : '';
  return `The configuration changed: new tasks get it (${agents.map(({ name }) => name).join(', ')}).${stays}`;
}

const pause = async (signal: AbortSignal): Promise<boolean> => {
  await sleep(lookEveryMs, undefined, { signal, ref: false }).catch(() => undefined);
  return !signal.aborted;
};

/** When its files, and the folders in which more of them may appear, were last changed. */
async function stamp({ root, file, snapshot }: Config): Promise<string> {
  const { files } = JSON.parse(snapshot.text) as { files: Record<string, unknown> };
  const paths = new Set([file, join(root, 'agents'), ...Object.keys(files).map((name) => resolve(root, name))]);
  for (const path of paths) if (dirname(path) !== root) paths.add(dirname(path));
  const stamps = [...paths].map(async (path) => {
    const found = await stat(path).catch(() => undefined);
    return `${path} ${found?.mtimeMs ?? ''} ${found?.isFile() === true ? found.size : ''}`;
  });
  return (await Promise.all(stamps)).join('\n');
}
