/** Cuts the power again and again, and opens what is left. */
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Acknowledged } from './acknowledged.ts';
import { Disk } from './disk.ts';
import type { Event } from './events.ts';
import { openImage, writeImage } from './image.ts';
import { pick, type Random } from './random.ts';
import { record } from './recording.ts';

export interface Figures {
  /** Runs of the workload that were recorded, with what they acknowledged and synced. */
  recordings: number;
  acknowledged: number;
  logSyncs: number;
  checkpoints: number;
  /** Power cuts after which the store was opened. */
  images: number;
  /** Acknowledged records that were looked for, over all images. */
  lookedFor: number;
  lost: number;
  imagesThatLost: number;
  damaged: number;
  /** What the first image lost, or what is damaged in it. */
  first?: string;
}

interface Image {
  files: ReadonlyMap<string, Buffer>;
  acknowledged: readonly Acknowledged[];
}

export interface CutOptions {
  images: number;
  barriers: boolean;
  random: Random;
  /** The first image that lost something is kept. */
  keep: boolean;
  onImage: (figures: Figures) => void;
}

/** Then another recording is made, in which the threads meet otherwise. */
const cutsARecording = 500;

export async function cutOften({ images, barriers, random, keep, onImage }: CutOptions): Promise<Figures> {
  const figures: Figures = {
    recordings: 0,
    acknowledged: 0,
    logSyncs: 0,
    checkpoints: 0,
    images: 0,
    lookedFor: 0,
    lost: 0,
    imagesThatLost: 0,
    damaged: 0,
  };
  // An image is read once and thrown away: no disk is needed for it.
  const scratch = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'deputy-power-cut-'));
  const folder = join(scratch, 'image');
  try {
    while (figures.images < images) {
      const { events, ...counts } = await record(barriers);
      figures.recordings += 1;
      figures.acknowledged += counts.acknowledged;
      figures.logSyncs += counts.logSyncs;
      figures.checkpoints += counts.checkpoints;
      for (const image of imagesOf(events, Math.min(cutsARecording, images - figures.images), random)) {
        const fault = await open(folder, image, figures);
        if (fault !== undefined) figures.first ??= keep ? `${fault}; its files: ${kept(folder, image)}` : fault;
        onImage(figures);
      }
    }
    return figures;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Half of the cuts come right after an acknowledgement, where it is hardest to keep; the others anywhere. */
function* imagesOf(events: readonly Event[], cuts: number, random: Random): Generator<Image> {
  const anywhere = [...events.keys()];
  const acks = anywhere.filter((index) => events[index]?.kind === 'acknowledged');
  const last = Array.from({ length: cuts }, () => pick(random() < 0.5 ? acks : anywhere, random));
  const disk = new Disk();
  const acknowledged: Acknowledged[] = [];
  let done = 0;
  for (const index of last.toSorted((a, b) => a - b)) {
    for (const event of events.slice(done, index + 1)) {
      disk.apply(event);
      if (event.kind === 'acknowledged') acknowledged.push(event.ack);
    }
    done = index + 1;
    yield { files: disk.cut(random), acknowledged };
  }
}

/** @returns what is wrong. */
async function open(folder: string, { files, acknowledged }: Image, figures: Figures): Promise<string | undefined> {
  writeImage(folder, files);
  const { lost, damage } = await openImage(folder, acknowledged);
  figures.images += 1;
  figures.lookedFor += acknowledged.length;
  figures.lost += lost.length;
  if (lost.length > 0) figures.imagesThatLost += 1;
  if (damage !== undefined) figures.damaged += 1;
  return damage ?? (lost[0] && JSON.stringify(lost[0]));
}

/** As it was before it was opened. */
function kept(folder: string, { files }: Image): string {
  writeImage(folder, files);
  const copy = mkdtempSync(join(tmpdir(), 'deputy-power-cut-lost-'));
  cpSync(folder, copy, { recursive: true });
  return copy;
}
