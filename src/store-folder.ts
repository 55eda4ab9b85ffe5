/** The folder of the task store: who runs the program owns it, nobody else reads it, and git leaves it alone. */
import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { messageOf, UsageError } from './errors.ts';
import { sha256 } from './hash.ts';

/** Our own folder, which we may fill; another one belongs to somebody else. */
const ownName = '.deputy';
const keyBytes = 32;

/** @param store the store's file, or `:memory:`. @throws UsageError it cannot be made. */
export function makeStoreFolder(store: string): void {
  if (store === ':memory:') return;
  const folder = dirname(store);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (basename(folder) === ownName) createOnce(join(folder, '.gitignore'), Buffer.from('*\n'));
  } catch (error) {
    throw new UsageError(`The folder of the task store cannot be made: ${messageOf(error)}`);
  }
}

/**
 * The key that seals what callers carry for us from one round of a call to the next: it is the store's own, so that
 * every process on the store, and the next one, opens what another one sealed.
 * @throws UsageError it cannot be read or written, or is no key.
 */
export function stateKeyOf(store: string): Uint8Array {
  if (store === ':memory:') return randomBytes(keyBytes);
  const file = join(dirname(store), `${basename(store)}.key`);
  try {
    createOnce(file, randomBytes(keyBytes));
    const key = readFileSync(file);
    if (key.length === keyBytes) return key;
  } catch (error) {
    throw new UsageError(`The key ${file} cannot be read or written: ${messageOf(error)}`);
  }
  throw new UsageError(`The key ${file} is damaged: delete it (calls that wait for an answer must be made again).`);
}

/** Which Deputy this is, for others to know it again: the same for all processes of one store. Says nothing of the key. */
export const identityOf = (stateKey: Uint8Array): string =>
  sha256(`identity ${Buffer.from(stateKey).toString('hex')}`).slice(0, 32);

/** Whole or not at all, and by the first who tries: others find what that one wrote. */
function createOnce(file: string, content: Buffer): void {
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  try {
    readFileSync(file);
    return;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  try {
    writeFileSync(draft, content, { mode: 0o600, flush: true });
    linkSync(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}
