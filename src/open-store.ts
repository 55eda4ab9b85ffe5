/** Where tasks are kept, as the configuration names it, and the key that all who share the place share. */
import type { StorePlace } from './config/config.ts';
import { openSqliteStore } from './engine/sqlite/store.ts';
import type { Store } from './engine/store.ts';
import { makeStoreFolder, stateKeyOf } from './store-folder.ts';

/** @throws UsageError it cannot be opened. */
export async function openStore(place: StorePlace): Promise<{ store: Store; stateKey: Uint8Array }> {
  if ('sqlite' in place) {
    makeStoreFolder(place.sqlite);
    return { store: openSqliteStore(place.sqlite), stateKey: stateKeyOf(place.sqlite) };
  }
  // Who keeps tasks in a file needs none of it.
  const { openPostgresStore } = await import('./engine/postgres/store.ts');
  const { sharedSecret } = await import('./engine/postgres/secret.ts');
  return { store: await openPostgresStore(place.postgres), stateKey: await sharedSecret(place.postgres, 'state key') };
}
