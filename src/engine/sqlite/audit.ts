/**
 * The audit log in the database: what is put on it is stored in the transaction of what it speaks of, or neither is.
 * Several processes append to one file; who has begun a transaction that writes is alone until its end, so the newest
 * entry is read inside.
 */
import type { Json } from '../../json.ts';
import type { AuditEntry, AuditNote } from '../../task/audit.ts';
import { type Anchor, entryText, textHash } from '../audit-chain.ts';
import type { Database } from './open.ts';
import type { Row } from '../rows.ts';

/** What belongs on the log, from inside the transaction. */
export type Append = (entry: { at: number; task: string; step?: string } & AuditNote) => void;

export interface AuditLog {
  /** `transact`, with a log to write to. */
  recording: <T>(work: (append: Append) => T) => T;
  /** The newest entry that this process has written. */
  newest(): Anchor | undefined;
  read(seq: number, most: number): AuditEntry[];
  hashOf: (seq: number) => string | undefined;
}

export function auditLog({ sql, run, transact }: Pick<Database, 'sql' | 'run' | 'transact'>): AuditLog {
  let newest: Anchor | undefined;

  const recording: AuditLog['recording'] = (work) => {
    let head: Anchor | undefined;
    const append: Append = (entry) => {
      const before = head ?? headIn(sql('select seq, hash from audit order by seq desc limit 1').get());
      const seq = before.seq + 1;
      const { action, agent, approval, args, at, by, detail, rule, step, task, tool } = entry;
      // In this order there is nothing to sort.
      const text = entryText({ action, agent, approval, args, at, by, detail, rule, seq, step, task, tool });
      head = { seq, hash: textHash(before.hash, text) };
      sql('insert into audit values (?, ?, ?)').run(seq, text, head.hash);
    };
    const value = transact(() => work(append));
    newest = head ?? newest;
    return value;
  };

  return {
    recording,
    newest: () => newest,
    read: (seq, most) =>
      run(() => sql('select * from audit where seq > ? order by seq limit ?').all(seq, most).map(entryFrom)),
    hashOf: (seq) =>
      run(() => {
        const row = sql('select hash from audit where seq = ?').get(seq);
        return row === undefined ? undefined : String(row['hash']);
      }),
  };
}

const headIn = (row: Row | undefined): Anchor =>
  row === undefined ? { seq: 0, hash: '' } : { seq: Number(row['seq']), hash: String(row['hash']) };

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
