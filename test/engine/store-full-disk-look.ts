/** What the next process finds on the disk of `store-full-disk-child.ts`. Run: node store-full-disk-look.ts FOLDER */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { verifyChain } from '../../src/engine/audit-chain.ts';
import { openSqliteStore } from '../../src/engine/sqlite/store.ts';

const file = join(process.argv[2] ?? '', 'deputy.db');
const db = new DatabaseSync(file);
const integrity = db.prepare('pragma integrity_check').get()?.['integrity_check'];
db.close();
const store = openSqliteStore(file);
const tasks = (await store.tasks({ owner: 'ann', limit: 100_000 })).toReversed();
const { kind } = await verifyChain(await store.audit(0, 1e6), await store.anchor());
const steps = await Promise.all(tasks.map(async ({ id }) => (await store.steps(id)).length));
console.log(JSON.stringify({ integrity, audit: kind, statuses: tasks.map(({ status }) => status), steps }));
await store.close();
