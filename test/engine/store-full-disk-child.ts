/**
 * Lives on a disk that is too small for it: starts tasks until one is refused, says what it sees, makes room, and says
 * what became of the tasks. Run: node store-full-disk-child.ts FOLDER, with a file `ballast` in the folder.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createEngine } from '../../src/engine/engine.ts';
import { openSqliteStore } from '../../src/engine/sqlite/store.ts';
import { DeputyError } from '../../src/errors.ts';
import { silentLog } from '../../src/log.ts';
import { text } from '../../src/task/content.ts';
import { isTerminal } from '../../src/task/task.ts';
import { noUsage } from '../../src/task/usage.ts';

const folder = process.argv[2] ?? '';
const file = join(folder, 'deputy.db');
const steps = 6;
const engine = createEngine({
  store: openSqliteStore(file),
  log: silentLog,
  timings: { retry: 50 },
  handler: async ({ id }, context) => {
    const said: string[] = [];
    for (let number = 0; number < steps; number += 1)
      said.push(await context.step(`step ${number}`, async () => `${id} ${number} ${'x'.repeat(2_000)}`));
    return { content: [text(String(said.length))], stop: 'answer', usage: noUsage };
  },
});
const start = (): Promise<{ id: string }> => engine.start({ agent: 'a', owner: 'ann', input: {} });

const acknowledged: string[] = [];
let refusal: unknown;
while (refusal === undefined) {
  try {
    acknowledged.push((await start()).id);
  } catch (error) {
    refusal = error;
  }
}
const again = await start().catch((error: unknown) => error);
const statuses = await Promise.all(acknowledged.map(async (id) => (await engine.get(id, 'ann')).status));
rmSync(join(folder, 'ballast'));
for (let isFull = true; isFull;) {
  try {
    acknowledged.push((await start()).id);
    isFull = false;
  } catch {
    await sleep(20);
  }
}
for (const id of acknowledged)
  for await (const event of engine.watch(id, 'ann')) if (event.type === 'status' && isTerminal(event.task)) break;
await engine.close();
const codeOf = (error: unknown): string => (error instanceof DeputyError ? error.code : String(error));
console.log(
  JSON.stringify({
    refusal: [codeOf(refusal), (refusal as Error).message],
    again: codeOf(again),
    failed: statuses.filter((status) => status === 'failed').length,
    acknowledged,
  }),
);
