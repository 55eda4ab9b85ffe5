/**
 * The audit log in the database: what is put on it is stored in the transaction of what it speaks of, or neither is.
 *
 * Invariant: one chain for all processes. Its head is locked last, when nothing else is left to do in a transaction: so
 * nobody waits for a row while he holds it, and others wait for it no longer than a commit takes.
 */
import type { Json } from '../../json.ts';
import type { AuditEntry, AuditNote } from '../../task/audit.ts';
import { entryText, textHash } from '../audit-chain.ts';
import type { Row } from '../rows.ts';
import type { Database, Query } from './open.ts';

type Entry = { at: number; task: string; step?: string } & AuditNote;

/** What belongs on the log, from inside the transaction. */
export type Append = (entry: Entry) => void;

export interface AuditLog {
  /** `transact`, with a log to write to. */
  recording: <T>(work: (query: Query, append: Append) => Promise<T>) => Promise<T>;
  read(seq: number, most: number): Promise<AuditEntry[]>;
}

export function auditLog({ query, transact }: Pick<Database, 'query' | 'transact'>): AuditLog {
  return {
    recording: (work) =>
      transact(async (ask) => {
        const entries: Entry[] = [];
        const value = await work(ask, (entry) => void entries.push(entry));
        if (entries.length > 0) await chain(ask, entries);
        return value;
      }),
    async read(seq, most) {
      const { rows } = await query('select * from audit where seq > $1 order by seq limit $2', seq, most);
      return rows.map(entryFrom);
    },
  };
}

async function chain(query: Query, entries: readonly Entry[]): Promise<void> {
  await query(`select pg_advisory_xact_lock(hashtext('deputy audit'))`);
  const { rows } = await query('select seq, hash from audit order by seq desc limit 1');
  let seq = Number(rows[0]?.['seq'] ?? 0);
  let hash = String(rows[0]?.['hash'] ?? '');
  for (const { action, agent, approval, args, at, by, detail, rule, step, task, tool } of entries) {
    seq += 1;
    // In this order there is nothing to sort.
    const text = entryText({ action, agent, approval, args, at, by, detail, rule, seq, step, task, tool });
    hash = textHash(hash, text);
    await query('insert into audit values ($1, $2, $3)', seq, text, hash);
  }
}

/** What is not, to the letter, as we write it, is shown as what it is. */
function entryFrom(row: Row): AuditEntry {
  const seq = Number(row['seq']);
  const text = String(row['entry']);
  const hash = String(row['hash']);
  try {
    const entry = JSON.parse(text) as AuditEntry;
    if (entryText(entry) === text && entry.seq === seq && !('hash' in entry))
      return { ...(entry as object), hash } as AuditEntry;
  } catch {
    // Told below.
  }
  return { seq, at: 0, task: '', action: 'unreadable', detail: text satisfies Json, hash };
}
