/**
 * A disk, and what may be on it after the power was cut.
 *
 * What a sync covered is there. Of all else, each sector is, independently of every other, as it stood after any of the
 * writes to it since: lost, kept, torn from its neighbours, on disk before what was written earlier. So are the sizes
 * of files, and names that were given or taken since the folder was synced.
 */
import { type Event, folder } from './events.ts';
import { pick, type Random } from './random.ts';

type Change = Extract<Event, { kind: 'write' | 'truncate' }>;
type Naming = Extract<Event, { kind: 'name' }>;

interface File {
  /** As it was synced. */
  bytes: Buffer;
  /** Not yet covered by a sync. */
  changes: Change[];
}

/** Of what was not synced, how much has reached the disk: nothing, all, or something in between. */
const shares = [0, 0.05, 0.5, 0.95, 1];
/** Devices write sectors whole; what they are depends on the device. */
const sectors = [512, 4096];

export class Disk {
  readonly #files = new Map<number, File>();
  readonly #names = new Map<string, number | undefined>();
  #namings: Naming[] = [];

  apply(event: Event): void {
    switch (event.kind) {
      case 'acknowledged':
        return;
      case 'name':
        this.#namings.push(event);
        return;
      case 'sync':
        return event.file === folder ? this.#syncNames(event.from) : this.#sync(event.file, event.from);
      case 'write':
      case 'truncate':
        this.#file(event.file).changes.push(event);
    }
  }

  /** The files that are found after the power was cut now. */
  cut(random: Random): Map<string, Buffer> {
    const share = pick(shares, random);
    const sector = pick(sectors, random);
    return this.#found(random, share, ({ bytes, changes }) => survivors(bytes, changes, share, sector, random));
  }

  /** The files as a program sees them now. */
  now(): Map<string, Buffer> {
    return this.#found(
      () => 0,
      1,
      ({ bytes, changes }) => applied(bytes, changes),
    );
  }

  #found(random: Random, share: number, contentOf: (file: File) => Buffer): Map<string, Buffer> {
    const names = new Map(this.#names);
    const lost = new Set<string>();
    for (const { name, file } of this.#namings) {
      // Of one name, what was done later is not there without what was done before.
      if (random() >= share) lost.add(name);
      if (!lost.has(name)) names.set(name, file);
    }
    const found = new Map<string, Buffer>();
    for (const [name, file] of names) if (file !== undefined) found.set(name, contentOf(this.#file(file)));
    return found;
  }

  #file(number: number): File {
    let file = this.#files.get(number);
    if (file === undefined) this.#files.set(number, (file = { bytes: Buffer.alloc(0), changes: [] }));
    return file;
  }

  /** A sync covers what had ended when it began. */
  #sync(number: number, began: number): void {
    const file = this.#file(number);
    file.bytes = applied(
      file.bytes,
      file.changes.filter(({ to }) => to < began),
    );
    file.changes = file.changes.filter(({ to }) => to >= began);
  }

  #syncNames(began: number): void {
    for (const { name, file, to } of this.#namings) if (to < began) this.#names.set(name, file);
    this.#namings = this.#namings.filter(({ to }) => to >= began);
  }
}

/** All of them, one after the other. */
function applied(before: Buffer, changes: readonly Change[]): Buffer {
  const sizes = sizesAfter(before.length, changes);
  const bytes = Buffer.alloc(Math.max(...sizes));
  before.copy(bytes);
  for (const change of changes) {
    if (change.kind === 'truncate') bytes.fill(0, change.size);
    else change.data.copy(bytes, change.offset);
  }
  return bytes.subarray(0, sizes.at(-1));
}

function survivors(synced: Buffer, changes: readonly Change[], share: number, sector: number, random: Random): Buffer {
  const sizes = sizesAfter(synced.length, changes);
  const largest = Math.max(...sizes);
  const written = new Map<number, number>();
  const sectorsOf = (change: Change): number[] => {
    const end = change.kind === 'write' ? change.offset + change.data.length : largest;
    const first = Math.floor((change.kind === 'write' ? change.offset : change.size) / sector);
    return Array.from({ length: Math.ceil(end / sector) - first }, (_, index) => first + index);
  };
  for (const change of changes)
    for (const number of sectorsOf(change)) written.set(number, (written.get(number) ?? 0) + 1);
  /** How many of the writes to each sector are still to be seen in it. */
  const kept = new Map<number, number>();
  for (const [number, times] of written)
    kept.set(number, random() >= share ? 0 : share === 1 ? times : 1 + Math.floor(random() * times));

  const bytes = Buffer.alloc(largest);
  synced.copy(bytes);
  for (const change of changes)
    for (const number of sectorsOf(change)) {
      const left = kept.get(number) ?? 0;
      if (left === 0) continue;
      kept.set(number, left - 1);
      const start = Math.max(number * sector, change.kind === 'write' ? change.offset : change.size);
      const end = Math.min((number + 1) * sector, largest);
      if (change.kind === 'truncate') bytes.fill(0, start, end);
      else change.data.copy(bytes, start, start - change.offset, Math.max(start, end) - change.offset);
    }
  return bytes.subarray(0, share === 1 || random() < 0.5 ? sizes.at(-1) : pick(sizes, random));
}

/** Before the first and after each of them. */
function sizesAfter(before: number, changes: readonly Change[]): number[] {
  const sizes = [before];
  let size = before;
  for (const change of changes)
    sizes.push((size = change.kind === 'truncate' ? change.size : Math.max(size, change.offset + change.data.length)));
  return sizes;
}
