/**
 * A process of its own that starts a task on the given file and says its id. The task is the one that is named:
 * `leaving` stands still between an intent and its result, `listening` waits for what is sent to it.
 */
import { createEngine } from '../../src/engine/engine.ts';
import { openSqliteStore } from '../../src/engine/sqlite/store.ts';
import { silentLog } from '../../src/log.ts';
import { leaving } from './leaving.ts';
import { listening } from './listening.ts';

const engine = createEngine({
  store: openSqliteStore(process.argv[2] ?? ''),
  handler: process.argv[3] === 'listening' ? listening : leaving(() => console.log('sent')),
  log: silentLog,
});
const { id } = await engine.start({ agent: 'a', owner: 'ann', input: {} });
console.log(id);
setInterval(() => {}, 1_000);
