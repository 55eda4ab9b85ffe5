/** A process of its own that starts a task on the given file, says so, and stands still between an intent and its result. */
import { createEngine } from '../../src/engine/engine.ts';
import { openSqliteStore } from '../../src/engine/sqlite-store.ts';
import { silentLog } from '../../src/log.ts';
import { leaving } from './leaving.ts';

const engine = createEngine({
  store: openSqliteStore(process.argv[2] ?? ''),
  handler: leaving(() => console.log('sent')),
  log: silentLog,
});
const { id } = await engine.start({ agent: 'a', owner: 'ann', input: {} });
console.log(id);
setInterval(() => {}, 1_000);
