/** The operator's hooks, ready to run. Nothing is started before the first of them is needed. */
import type { Hook, Hooks, HookPlace } from '../agent/hooks.ts';
import type { Log } from '../log.ts';
import { runCommand } from './command-hook.ts';
import type { HookOptions } from './options.ts';
import { moduleThread, type ModuleThread } from './module-thread.ts';

export interface OpenHooks {
  /** The hooks of one agent, in the order of their declaration. */
  of(hooks: readonly HookOptions[]): Hooks;
  close(): Promise<void>;
}

export function openHooks({ log }: { log: Log }): OpenHooks {
  /** One thread a module, whichever agents have it: what it keeps between calls is kept once. */
  const threads = new Map<string, ModuleThread>();
  const threadOf = (file: string): ModuleThread => {
    const thread = threads.get(file) ?? moduleThread(file, { log });
    threads.set(file, thread);
    return thread;
  };
  const opened = ({ name, matches, timeoutMs, run }: HookOptions): Hook => ({
    name,
    matches,
    run: (input, signal) =>
      run.kind === 'module'
        ? threadOf(run.file).ask(name, input, timeoutMs, signal)
        : runCommand({ name, timeoutMs, argv: run.argv, cwd: run.cwd }, input, signal),
  });
  return {
    of(hooks) {
      const places: Partial<Record<HookPlace, Hook[]>> = {};
      for (const hook of hooks) (places[hook.place] ??= []).push(opened(hook));
      return places;
    },
    async close() {
      await Promise.all([...threads.values()].map((thread) => thread.close()));
    },
  };
}
