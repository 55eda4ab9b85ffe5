import { randomBytes } from 'node:crypto';
import { openDatabase } from './open.ts';

/**
 * 32 random bytes that all processes of the store share, made by the first who asks.
 * @throws UsageError, StoreError
 */
export async function sharedSecret(url: string, name: string): Promise<Uint8Array> {
  const db = await openDatabase(url);
  try {
    await db.query('insert into secret values ($1, $2) on conflict do nothing', name, randomBytes(32));
    const { rows } = await db.query('select value from secret where name = $1', name);
    return rows[0]?.['value'] as Uint8Array;
  } finally {
    await db.close();
  }
}
