/**
 * The audit log as a chain: every entry is hashed together with the hash of the one before it, so that an entry that
 * was edited, dropped, moved or put in no longer fits its neighbours.
 *
 * What a chain cannot show by itself is a new end: entries dropped from its tail, or a chain that was computed anew by
 * whoever can write the file. Both show against an anchor (the number and the hash of an entry) that is kept where
 * that person cannot write.
 */
import { hash } from 'node:crypto';
import type { Json } from '../json.ts';
import type { AuditEntry } from '../task/audit.ts';

/** What was the newest entry at some time. */
export interface Anchor {
  readonly seq: number;
  readonly hash: string;
}

export type Verdict =
  /** `isAnchored`: it reaches the anchor, and is there what it was. */
  | { kind: 'intact'; entries: number; isAnchored: boolean }
  /** `seq`: where it does not hold any more. */
  | { kind: 'broken'; seq: number; why: string };

/** The hash before the first entry. */
const beginning = '';

export type Unchained = Omit<AuditEntry, 'hash'>;

/** The text that is stored and hashed: JSON with its keys in order, without spaces. */
export const entryText = (entry: Unchained): string => canonical(entry as unknown as Json);

/** @param before the hash of the entry before it. */
export const textHash = (before: string, text: string): string => hash('sha256', before + text);

export const entryHash = (before: string, { hash: _, ...entry }: AuditEntry): string =>
  textHash(before, entryText(entry));

/** Whether `entries`, from the first on, are what was written; up to `anchor` where there is one. */
export async function verifyChain(
  entries: Iterable<AuditEntry> | AsyncIterable<AuditEntry>,
  anchor?: Anchor,
): Promise<Verdict> {
  const check = chainCheck(anchor);
  for await (const entry of entries) {
    const broken = check.next(entry);
    if (broken !== undefined) return broken;
  }
  return check.end();
}

/** The same, an entry at a time. */
export function chainCheck(anchor?: Anchor): {
  next(entry: AuditEntry): Extract<Verdict, { kind: 'broken' }> | undefined;
  end(): Verdict;
} {
  let last: Anchor = { seq: 0, hash: beginning };
  return {
    next(entry) {
      const seq = last.seq + 1;
      if (entry.seq !== seq) return broken(seq, `entry ${entry.seq} stands where entry ${seq} should`);
      if (entry.action === 'unreadable') return broken(seq, 'what stands there is no entry of Deputy');
      if (entry.hash !== entryHash(last.hash, entry))
        return broken(seq, 'it is not what was written, or does not follow the entry before it');
      if (anchor?.seq === seq && anchor.hash !== entry.hash)
        return broken(seq, 'it is another one than when the anchor was set: the log was written anew');
      last = { seq, hash: entry.hash };
      return undefined;
    },
    end() {
      if (anchor !== undefined && last.seq < anchor.seq)
        return broken(last.seq + 1, `the log ends before it; when the anchor was set it had ${anchor.seq} entries`);
      return { kind: 'intact', entries: last.seq, isAnchored: anchor !== undefined };
    },
  };
}

const broken = (seq: number, why: string) => ({ kind: 'broken', seq, why }) as const;

/** One text for one value, as RFC 8785 has it for what JSON.stringify writes; undefined members are left out. */
function canonical(value: Json): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  let text = '';
  for (const key of Object.keys(value).sort()) {
    const member = value[key];
    if (member !== undefined) text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${canonical(member)}`;
  }
  return `{${text}}`;
}
