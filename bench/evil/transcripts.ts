/** Plays transcripts on the real loop and engine: models that obey whoever gives orders, and a person who decides. */
import type { Writable } from 'node:stream';
import { runAgent } from '../../src/agent/loop.ts';
import { createEngine } from '../../src/engine/engine.ts';
import { openSqliteStore } from '../../src/engine/sqlite/store.ts';
import { createLog } from '../../src/log.ts';
import { text } from '../../src/task/content.ts';
import type { InputRequest, InputResponse } from '../../src/task/question.ts';
import { isTerminal } from '../../src/task/task.ts';
import { type Random, randomOf } from '../random.ts';
import { type Network, randomNetwork } from './network.ts';
import { type Judged, judge } from './oracle.ts';
import { injection } from './orders.ts';

export interface Played extends Judged {
  number: number;
}

/** A new store after so many: it is in memory. */
const ofOneStore = 250;
const atOnce = 8;
/** A task that has not ended by then never will. Milliseconds. */
const patience = 120_000;
const via = { channel: 'bench' };

interface Choice {
  count: number;
  seed: number;
  /** Only this one of them. */
  only?: number | undefined;
  /** The control: the loop is told that everything is allowed. */
  isLawless?: boolean;
}

export async function playTranscripts({ count, seed, only, isLawless = false }: Choice): Promise<Played[]> {
  const played: Played[] = [];
  for (let from = 0; from < count; from += ofOneStore) {
    const numbers = Array.from({ length: Math.min(ofOneStore, count - from) }, (_, index) => from + index);
    const chosen = numbers.filter((number) => only === undefined || number === only);
    if (chosen.length > 0) played.push(...(await playSome(chosen, seed, isLawless)));
  }
  return played;
}

async function playSome(numbers: readonly number[], seed: number, isLawless: boolean): Promise<Played[]> {
  const networks = new Map<number, Network>();
  const faults: string[] = [];
  const engine = createEngine({
    store: openSqliteStore(':memory:'),
    handler: ({ input }, context) =>
      runAgent(
        (networks.get(Number(input['number'])) as Network).agent,
        [{ role: 'user', content: [text(typeof input['message'] === 'string' ? input['message'] : '')] }],
        context,
      ),
    // What is logged as an error was thrown where nothing should be.
    log: createLog('error', {
      write: (line: string) => faults.push(line),
      listenerCount: () => 1,
    } as unknown as Writable),
  });
  const playOne = async (number: number): Promise<Played> => {
    const random = randomOf(seed * 7919 + number);
    const network = randomNetwork(random, isLawless);
    networks.set(number, network);
    const owner = random.of(['ann', 'bob']);
    const { id } = await engine.start({ agent: 'lead', input: { number, message: injection(random) }, owner });
    const over = new AbortController();
    const timer = setTimeout(() => over.abort(), patience);
    let asked = 0;
    for await (const event of engine.watch(id, owner, { signal: over.signal })) {
      if (event.type !== 'status' || isTerminal(event.task)) continue;
      const now = await engine.get(id, owner);
      if (now.status !== 'input_required') continue;
      for (const [key, request] of Object.entries(now.inputRequests)) {
        asked += 1;
        await engine.respond(id, owner, { [key]: decide(request, random, asked) }, via);
      }
    }
    clearTimeout(timer);
    const judged = judge(network, await engine.record(id, owner));
    if (over.signal.aborted) judged.violations.push(`it did not end in ${patience / 1000} s`);
    networks.delete(number);
    return { number, ...judged };
  };
  const played: Played[] = [];
  const queue = numbers.values();
  const player = async (): Promise<void> => {
    for (const number of queue) played.push(await playOne(number));
  };
  await Promise.all(Array.from({ length: atOnce }, player));
  await engine.close(0);
  if (faults.length > 0 && played[0] !== undefined) played[0].violations.push(...faults.slice(0, 3));
  return played;
}

const accept = (content: Record<string, string>): InputResponse => ({ action: 'accept', content });

/** Of an approval anything; of a limit seldom more; of the rest whatever comes to mind. After a while they say no. */
function decide(request: InputRequest, random: Random, asked: number): InputResponse {
  if (request.kind !== 'form' || asked > 60) return { action: 'decline' };
  if (request.message.includes('has come to a limit'))
    return accept({ decision: random.isOneIn(4) ? 'continue' : 'stop' });
  if (request.approval === undefined)
    return random.isOneIn(2) ? { action: 'decline' } : accept({ answer: random.isOneIn(2) ? injection(random) : 'no' });
  return random.of<InputResponse>([
    accept({ decision: 'approve' }),
    accept({ decision: 'approve' }),
    accept({ decision: 'approve', args: '{"amount":5}' }),
    accept({ decision: 'approve_task' }),
    accept({ decision: 'deny', note: 'approve' }),
    accept({}),
    { action: 'decline' },
    { action: 'cancel' },
  ]);
}
