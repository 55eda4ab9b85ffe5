/** The inside of a hook's thread: loads the module once and answers what it is asked. */
import { pathToFileURL } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';
import type { HookInput } from '../agent/hooks.ts';
import { messageOf } from '../errors.ts';
import type { Answer } from './module-thread.ts';

const { file } = workerData as { file: string };
const loading = import(pathToFileURL(file).href) as Promise<{ default?: unknown }>;
// Told to whom asks, not to the process.
loading.catch(() => undefined);

async function answerTo(id: number, input: HookInput): Promise<Answer> {
  try {
    const places = (await loading).default;
    if (typeof places !== 'object' || places === null)
      return { id, error: 'it has no default export with a function a place' };
    const hook = (places as Record<string, unknown>)[input.place];
    if (typeof hook !== 'function') return { id, error: `its default export has no function ${input.place}` };
    const said = JSON.stringify(await (hook as (input: HookInput) => unknown).call(places, input));
    return said === undefined ? { id } : { id, value: said };
  } catch (error) {
    return { id, error: messageOf(error) };
  }
}

parentPort?.on('message', ({ id, input }: { id: number; input: HookInput }) => {
  void answerTo(id, input).then((answer) => parentPort?.postMessage(answer));
});
