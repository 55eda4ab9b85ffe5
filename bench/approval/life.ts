/** One life of the process that runs the tasks: the real loop on the real engine, and the real door where it is wanted. */
import { runAgent } from '../../src/agent/loop.ts';
import { createEngine } from '../../src/engine/engine.ts';
import { silentLog } from '../../src/log.ts';
import { type HttpDoor, serveHttp } from '../../src/mcp-server/http.ts';
import type { TaskEngine, TaskKeeper } from '../../src/task/engine.ts';
import { text } from '../../src/task/content.ts';
import type { Death } from './case.ts';
import { goneInstance, mortalStore } from './mortal.ts';
import type { Outside } from './outside.ts';

export const owner = 'local';
/** Rounds go on over a death. */
const stateKey = new Uint8Array(32).fill(7);

export interface Life {
  engine: TaskEngine & TaskKeeper;
  /** Of the store. */
  path: string;
  died: Promise<void>;
  isDead: () => boolean;
  written: () => number;
  /** Of its door, which is opened when it is asked for. */
  url: () => Promise<string>;
  /** What is to be closed with it. */
  onEnd: (close: () => Promise<void>) => void;
  end: () => Promise<void>;
}

export function begin(path: string, outside: Outside, death?: Death): Life {
  const { store, died, isDead, written, bury } = mortalStore(path, death);
  const engine = createEngine({
    store,
    handler: ({ id, input }, context) =>
      runAgent(
        outside.agent(id, input['message'] === 'other' ? 1 : 0),
        [{ role: 'user', content: [text('go')] }],
        context,
      ),
    log: silentLog,
    instance: goneInstance(),
    timings: { tick: 10, expire: 2 ** 30, rest: 0 },
  });
  const closings: (() => Promise<void>)[] = [];
  let door: Promise<HttpDoor> | undefined;
  return {
    engine,
    path,
    died,
    isDead,
    written,
    async url() {
      door ??= serveHttp({
        engine,
        agents: [{ name: 'lead', description: 'Sends messages.' }],
        name: 'bench',
        version: '1',
        log: silentLog,
        stateKey,
        graceMs: 0,
        modelMayAnswer: true,
      });
      return (await door).url;
    },
    onEnd: (close) => void closings.push(close),
    async end() {
      bury();
      await Promise.all(closings.map((close) => close()));
      await (await door)?.close(0);
      await engine.close(0).catch(() => {});
    },
  };
}
