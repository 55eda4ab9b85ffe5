/** Who waits for whom: one owner with thousands of tasks and a newcomer, at every queue; and what ten times too much costs. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Overload, overload } from './overload.ts';
import { placesAtWork, slotsOfModel, slotsOfServer, type Waited } from './queues.ts';

const usage = `npm run bench -- fair [options]

  --queued N    how many one owner has queued when the newcomer comes (default 10000; 1000 in CI)
`;

/** What was refused may leave so much behind: connections, compiled code. MB. */
const tolerance = 16;

export async function fair(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      queued: { type: 'string', default: '10000' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return;
  }
  const queued = Number(values.queued);
  if (!Number.isInteger(queued) || queued < 100)
    throw new Error(`--queued: "${values.queued}" is no whole number from 100 on.`);
  const folder = await mkdtemp(join(tmpdir(), 'deputy-fair-'));
  try {
    const waited = [await placesAtWork(queued, folder), await slotsOfServer(queued), await slotsOfModel(queued)];
    const load = await overload(queued, folder);
    if (!report(waited, load)) process.exitCode = 1;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** @returns whether the newcomer waited for no more than one slot's worth. How much memory a machine has is no fault. */
function report(waited: readonly Waited[], load: Overload): boolean {
  const head = ['wait ahead', 'refused', 'slots', 'began between', 'allowed', 'ms'];
  const rows = waited.map(({ queue, ms, ...counts }): [string, ...string[]] => [
    queue,
    ...[counts.ahead, counts.refused, counts.slots, counts.between, counts.allowed].map(String),
    ms.toFixed(0),
  ]);
  const lines = [['', ...head] as const, ...rows].map(
    ([name, ...cells]) => name.padEnd(36) + cells.map((cell) => cell.padStart(15)).join('') + '\n',
  );
  const unfair = waited.filter(({ between, allowed }) => between < 0 || between > allowed);
  const isFair = unfair.length === 0;
  const isToldSo = load.others === 0 && load.admitted <= Math.ceil(load.asked / 10);
  const isBounded = load.heapAfter - load.heapAdmitted <= tolerance;
  process.stdout.write(
    `One owner, then a newcomer: how many of the first began between the newcomer's coming and its beginning\n\n${lines.join('')}\n` +
      `${load.asked} starts over HTTP, ${load.admitted} admitted, ${load.refused} refused with 429 and Retry-After, ${load.others} neither\n` +
      `living memory ${load.heapAdmitted.toFixed(0)} MB with what was admitted, ${load.heapAfter.toFixed(0)} MB after the rest; resident at most ${load.peak.toFixed(0)} MB\n\n` +
      `${isFair ? 'met' : 'MISSED'}: the newcomer's first call waits for at most one slot${unfair.map(({ queue }) => `; not so: ${queue}`).join('')}\n` +
      `${isToldSo && isBounded ? 'met' : 'MISSED'}: at ten times the admitted load the rest is refused, and memory stays as it is\n`,
  );
  return isFair && isToldSo;
}
