/**
 * The three queues in which owners meet: for a place at work, for a slot of a server, for a slot of a model. In each one
 * owner comes first with all that may wait, then a newcomer with one; counted is who begins before the newcomer does.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Model, ModelRequest } from '../../src/agent/model.ts';
import { createEngine } from '../../src/engine/engine.ts';
import { openSqliteStore } from '../../src/engine/sqlite/store.ts';
import { fairSlots } from '../../src/fair-slots.ts';
import { silentLog } from '../../src/log.ts';
import { modelSlots } from '../../src/providers/slots.ts';
import { withSlots } from '../../src/providers/with-slots.ts';
import { text } from '../../src/task/content.ts';
import { noUsage } from '../../src/task/usage.ts';

export interface Waited {
  queue: string;
  /** How many of the first owner waited when the newcomer came, and how many more were refused. */
  ahead: number;
  refused: number;
  slots: number;
  /** How many of the first owner began between the newcomer's coming and its beginning, and how many may. */
  between: number;
  allowed: number;
  /** Milliseconds between these two. */
  ms: number;
}

/** Of a task or a call, in milliseconds. */
const work = 5;
const noSignal = new AbortController().signal;

/** Holds whoever began until it is opened: so that all the others wait. */
function gate() {
  const opened = Promise.withResolvers<void>();
  const began: string[] = [];
  return {
    began,
    open: () => opened.resolve(),
    through: async (owner: string): Promise<void> => {
      began.push(owner);
      await opened.promise;
      await sleep(work);
    },
  };
}

/** Tasks that wait for a place at work, on the real engine and a store on disk. */
export async function placesAtWork(queued: number, folder: string): Promise<Waited> {
  const slots = 16;
  const { began, open, through } = gate();
  const engine = createEngine({
    store: openSqliteStore(join(folder, 'places.db')),
    handler: async ({ owner }, context) => {
      await context.step('work', () => through(owner).then(() => null));
      return { content: [text('done')], stop: 'answer', usage: noUsage };
    },
    log: silentLog,
    mostAtWork: slots,
  });
  const start = (owner: string) => engine.start({ agent: 'busy', input: {}, owner });
  for (let left = queued; left > 0; left -= 500)
    await Promise.all(Array.from({ length: Math.min(left, 500) }, () => start('first')));

  const { id } = await start('newcomer');
  const [before, came] = [began.length, performance.now()];
  open();
  for await (const event of engine.watch(id, 'newcomer'))
    if (event.type === 'status' && began.includes('newcomer')) break;
  const ms = performance.now() - came;
  await engine.close(0);
  return {
    queue: 'tasks, for a place at work',
    ahead: queued - before,
    refused: 0,
    slots,
    between: began.indexOf('newcomer') - before,
    // Those for which there is a place are taken together, and begin together.
    allowed: slots,
    ms,
  };
}

/** Calls of a server: the slots that the client of every server has. */
export async function slotsOfServer(queued: number): Promise<Waited> {
  const concurrency = 8;
  const slots = fairSlots({ concurrency, waiting: 10_000, waitingOfOne: 1_000 });
  return meeting('calls, for a slot of a server', concurrency, queued, {
    refusal: (owner) => slots.refusal(owner),
    run: (owner, effect) => slots.run(owner, effect, noSignal),
  });
}

/** Questions to a model whose `concurrency` is bounded. */
export async function slotsOfModel(queued: number): Promise<Waited> {
  const concurrency = 4;
  const slots = modelSlots()({ provider: 'scripted', model: 'bench', concurrency, fallback: [] });
  if (slots === undefined) throw new Error('a bounded model has slots');
  const effects = new Map<string, () => Promise<void>>();
  const model: Model = {
    id: 'bench/model',
    async generate({ owner = '' }) {
      await effects.get(owner)?.();
      return { message: { role: 'assistant', content: [] }, stop: 'end', usage: noUsage, model: 'bench/model' };
    },
  };
  const bounded = withSlots(model, slots);
  const question: ModelRequest = { system: '', messages: [], tools: [], signal: noSignal };
  return meeting('questions, for a slot of a model', concurrency, queued, {
    refusal: (owner) => slots.refusal(owner),
    async run(owner, effect) {
      effects.set(owner, effect);
      await bounded.generate({ ...question, owner });
    },
  });
}

interface Queue {
  refusal: (owner: string) => string | undefined;
  run: (owner: string, effect: () => Promise<void>) => Promise<void>;
}

async function meeting(queue: string, slots: number, queued: number, { refusal, run }: Queue): Promise<Waited> {
  const { began, open, through } = gate();
  const running: Promise<void>[] = [];
  let refused = 0;
  for (let one = 0; one < queued; one += 1) {
    if (refusal('first') === undefined) running.push(run('first', () => through('first')));
    else refused += 1;
    // Those that find a slot take it.
    if (one < slots) await sleep(0);
  }
  const fault = refusal('newcomer');
  if (fault !== undefined) throw new Error(`${queue}: the newcomer was refused: ${fault}`);
  const [before, came] = [began.length, performance.now()];
  let ms = Number.NaN;
  const newcomer = run('newcomer', () => {
    ms = performance.now() - came;
    return through('newcomer');
  });
  open();
  await newcomer;
  const between = began.indexOf('newcomer') - before;
  await Promise.all(running);
  return { queue, ahead: running.length - before, refused, slots, between, allowed: 1, ms };
}
