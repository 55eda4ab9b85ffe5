/**
 * The caller: keeps a few tasks going through every death of the server. It starts them with idempotency keys, and
 * answers what it is asked truthfully, by looking at what has really happened.
 */
import { callerOf, type Caller, type TaskSeen } from '../hold/caller.ts';
import { happened } from './effects.ts';

export interface Started {
  order: string;
  /** Once it was acknowledged. */
  id?: string;
  end?: { status: string; answer: string };
  /** What a right end says. */
  right: string;
}

export interface Answers {
  happened: number;
  run: number;
}

/** Tasks side by side. */
const width = 6;

export class Driver {
  readonly tasks: Started[] = [];
  readonly answers: Answers = { happened: 0, run: 0 };
  /** Acknowledged tasks that the server once did not know. */
  readonly lost = new Set<string>();
  /** Questions about something else than a tool call: nobody needs to be asked about an agent. */
  readonly needless: string[] = [];
  /** Orders of calls that it was asked about. */
  readonly asked = new Set<string>();
  readonly #effects: string;
  readonly #agent: string;
  readonly #messageOf: (order: string) => string;
  readonly #rightOf: (order: string) => string;

  /** @param messageOf what the agent is told for an order. @param rightOf what it is to answer. */
  constructor(
    effects: string,
    agent: string,
    messageOf: (order: string) => string,
    rightOf: (order: string) => string,
  ) {
    this.#effects = effects;
    this.#agent = agent;
    this.#messageOf = messageOf;
    this.#rightOf = rightOf;
  }

  get open(): Started[] {
    return this.tasks.filter(({ end }) => end === undefined);
  }

  /** Works at one server until it is gone, or `until` says so. @param more whether it starts new tasks. */
  async workAt(url: string, more: boolean, until: () => boolean): Promise<void> {
    const caller = callerOf(url);
    try {
      while (!until()) {
        while (this.open.length < (more ? width : 0)) this.#add(`t${this.tasks.length}-`);
        await Promise.all(this.open.map((task) => this.#tend(caller, task)));
        await new Promise((resolve) => setTimeout(resolve, 15));
      }
    } catch (error) {
      // It was killed: what was under way is done again at the next one.
      if (!isGone(error)) throw error;
    } finally {
      caller.close();
    }
  }

  #add(order: string): void {
    this.tasks.push({ order, right: this.#rightOf(order) });
  }

  async #tend(caller: Caller, task: Started): Promise<void> {
    task.id ??= await caller.start(this.#agent, this.#messageOf(task.order), `key of ${task.order}`);
    const { id } = task;
    const seen = await caller.get(id).catch((error: unknown) => {
      if (!isGone(error)) this.lost.add(id);
      throw error;
    });
    if (seen.status === 'input_required') await this.#answer(caller, id, seen);
    else if (seen.status !== 'working')
      task.end = { status: seen.status, answer: seen.result?.content[0]?.text ?? JSON.stringify(seen) };
  }

  async #answer(caller: Caller, id: string, { inputRequests = {} }: TaskSeen): Promise<void> {
    const answers: Record<string, object> = {};
    for (const [key, request] of Object.entries(inputRequests)) {
      const said = JSON.stringify(request).replaceAll('\\"', '"');
      const order = /Arguments: \{"order":"([^"]+)"\}/.exec(said)?.[1];
      if (order === undefined) this.needless.push(said.slice(0, 1_000));
      else this.asked.add(order);
      // A call of an agent has a key: to make it again is to find it again.
      const content =
        order !== undefined && happened(this.#effects, order)
          ? { decision: 'happened', result: 'pay done' }
          : { decision: 'run' };
      this.answers[content.decision === 'run' ? 'run' : 'happened'] += 1;
      answers[key] = { action: 'accept', content };
    }
    await caller.answer(id, answers);
  }
}

const isGone = (error: unknown): boolean => {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return ['ECONNREFUSED', 'ECONNRESET', 'EPIPE'].includes(code);
};
