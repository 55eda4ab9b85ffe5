/**
 * The audit log as a chain: every entry is hashed together with the hash of the one before it, so that an entry that
 * was edited, dropped, moved or put in no longer fits its neighbours.
 *
 * What a chain cannot show by itself is a new end: entries dropped from its tail, or a chain that was computed anew by
 * whoever can write the file. Both show against an anchor (the number and the hash of an entry) that is kept where
 * that person cannot write.
 */
import { hash } from 'node:crypto';
import type { Json, JsonObject } from '../json.ts';
import type { AuditEntry, AuditVerdict } from '../task/audit.ts';

/** What was the newest entry at some time. */
export interface Anchor {
  readonly seq: number;
  readonly hash: string;
  /** Where that is noted. */
  readonly file?: string;
}

/** The hash before the first entry. */
const beginning = '';

type Unchained = { [K in keyof AuditEntry]?: AuditEntry[K] | undefined };

/** The text that is stored and hashed: JSON without spaces, the keys of every object in order. */
export const entryText = (entry: Unchained): string => JSON.stringify(inOrder(entry as unknown as Json));

/** @param before the hash of the entry before it. */
export const textHash = (before: string, text: string): string => hash('sha256', before + text);

export const entryHash = (before: string, entry: AuditEntry): string =>
  textHash(before, entryText({ ...entry, hash: undefined }));

/** Whether `entries`, from the first on, are what was written; up to `anchor` where there is one. */
export async function verifyChain(
  entries: Iterable<AuditEntry> | AsyncIterable<AuditEntry>,
  anchor?: Anchor,
): Promise<AuditVerdict> {
  const check = chainCheck(anchor);
  for await (const entry of entries) {
    const broken = check.next(entry);
    if (broken !== undefined) return broken;
  }
  return check.end();
}

/** The same, an entry at a time. */
export function chainCheck(anchor?: Anchor): {
  next(entry: AuditEntry): Extract<AuditVerdict, { kind: 'broken' }> | undefined;
  end(): AuditVerdict;
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
        return broken(seq, `it is another one than was noted${since(anchor, 'the log was written anew')}`);
      last = { seq, hash: entry.hash };
      return undefined;
    },
    end() {
      if (anchor !== undefined && last.seq < anchor.seq)
        return broken(
          last.seq + 1,
          `the log ends before it, and had ${anchor.seq} entries${since(anchor, 'entries were dropped from its end')}`,
        );
      return { kind: 'intact', entries: last.seq, isAnchored: anchor !== undefined };
    },
  };
}

/** What became of the log since it was noted, and what to do about it. */
const since = ({ file }: Anchor, what: string): string =>
  `${file === undefined ? '' : ` (${file})`}: ${what}, or an older backup stands in the place of the store` +
  (file === undefined ? '' : `. Where you restored one on purpose, remove ${file}: it is written anew`);

const broken = (seq: number, why: string) => ({ kind: 'broken', seq, why }) as const;

/** The same value with its keys in order; itself where they are. */
function inOrder(value: Json): Json {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(inOrder);
  let before = '';
  for (const key of Object.keys(value)) {
    const member = value[key];
    if (member === undefined) continue;
    if (key < before || inOrder(member) !== member) return sorted(value);
    before = key;
  }
  return value;
}

const sorted = (value: JsonObject): Json =>
  Object.fromEntries(
    Object.keys(value)
      .toSorted()
      .flatMap((key) => (value[key] === undefined ? [] : [[key, inOrder(value[key])]])),
  );
