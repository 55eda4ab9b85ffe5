/** Deputy as its users run it: `deputy serve --http`, on a store of its own. */
import { fileURLToPath } from 'node:url';
import { type Child, startChild } from '../overhead/child.ts';
import { addressOf } from '../overhead/deputy.ts';
import { type Caller, callerOf } from './caller.ts';

export interface Deputy {
  process: Child;
  url: string;
  caller: Caller;
  /** `kill -9`. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

const main = new URL('../../src/cli/main.ts', import.meta.url);
const config = fileURLToPath(new URL('./agents.yaml', import.meta.url));

/** @returns when it serves. */
export async function startDeputy(ledger: string, store: string): Promise<Deputy> {
  const process = startChild('Deputy', main, ['--config', config, 'serve', '--http', '127.0.0.1:0'], {
    BENCH_LEDGER_URL: ledger,
    BENCH_STORE: store,
  });
  const url = await addressOf(process);
  const caller = callerOf(url);
  return {
    process,
    url,
    caller,
    async kill() {
      caller.close();
      await process.kill();
    },
    async stop() {
      caller.close();
      await process.stop();
    },
  };
}
