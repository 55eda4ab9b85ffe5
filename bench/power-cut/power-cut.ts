/**
 * Power cuts: what the store's files go through is recorded, and put together again as a disk may hold it after the
 * power went at a random moment, with what was not synced lost, torn and out of order.
 *
 * To be shown: whatever was acknowledged before the cut is there when the real store opens what is left. The control,
 * the same without barriers (`synchronous = normal` alone), shows that something can be lost in these images.
 */
import { cutOften, type Figures } from './cuts.ts';
import { readOptions, usage } from './options.ts';
import { randomFrom } from './random.ts';

/** Of the control, beside the others. */
const controlImages = 100;

export async function powerCut(args: string[]): Promise<void> {
  const options = readOptions(args);
  if (options === 'help') {
    process.stdout.write(usage);
    return;
  }
  const { images, seed, json } = options;
  const random = randomFrom(seed);
  const onImage = ({ images, lost }: Figures): void => {
    if (!json && process.stderr.isTTY) process.stderr.write(`\r${images} images, ${lost} lost \r`);
  };
  const store = options.control ? undefined : await cutOften({ images, barriers: true, random, keep: true, onImage });
  const control = await cutOften({
    images: options.control ? images : controlImages,
    barriers: false,
    random,
    keep: false,
    onImage,
  });
  const figures = { seed, ...(store !== undefined && { store }), control };
  process.stdout.write(json ? `${JSON.stringify(figures, null, 2)}\n` : report(seed, store, control));
  const faults = [
    ...(store === undefined ? [] : faultsIn(store)),
    ...(control.lost > 0 ? [] : ['the control lost nothing: these images show nothing']),
    ...(control.damaged > 0 ? [`${control.damaged} images of the control could not be opened: ${control.first}`] : []),
  ];
  for (const fault of faults) process.stderr.write(`FAILED: ${fault}\n`);
  if (faults.length > 0) process.exitCode = 1;
}

function faultsIn({ lost, imagesThatLost, damaged, checkpoints, first }: Figures): string[] {
  return [
    ...(lost > 0 ? [`${lost} acknowledged records were lost, in ${imagesThatLost} images`] : []),
    ...(damaged > 0 ? [`${damaged} images are no whole database`] : []),
    ...(first === undefined ? [] : [`the first was ${first}`]),
    ...(checkpoints === 0 ? ['no checkpoint was made: these images show too little'] : []),
  ];
}

function report(seed: number, store: Figures | undefined, control: Figures): string {
  const rows = [
    ...(store === undefined ? [] : [{ name: 'Deputy', figures: store }]),
    { name: 'control', figures: control },
  ];
  return rows
    .flatMap(({ name, figures: f }) => [
      `${name}: ${f.images} power cuts; recorded: ${f.acknowledged} acknowledgements, ${f.logSyncs} syncs of the log, ${f.checkpoints} checkpoints (runs of the workload: ${f.recordings})`,
      `  ${f.lost} of ${f.lookedFor} acknowledged records lost, in ${f.imagesThatLost} images; ${f.damaged} images damaged`,
    ])
    .concat(`control: the same store without barriers, synchronous = normal alone; seed ${seed}`, '')
    .join('\n');
}
