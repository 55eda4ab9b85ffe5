/**
 * Random `kill -9` of any of three Deputies, also of several at the same moment; what is dead is started again at once,
 * on its store and at its address. The leaf is a child of the middle, which starts it again itself.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { beginDeputy, type Deputy, type Life, pidOf } from '../networks/deputy.ts';
import { storedTasks } from '../networks/stored.ts';
import { startCountingHttp } from './counting-http.ts';
import { Driver } from './driver.ts';
import { someEffects } from './effects.ts';
import { effectFigures, type Figures, isSetAside, taskFigures } from './figures.ts';
import { openTasks, questionsAsked, tasksStored, unknownOrders } from './journal.ts';
import type { Options } from './options.ts';
import { declareNetwork, messageFor, type Network, rightAnswerFor, unsafe } from './three-network.ts';

/** Who dies together; each as often as it stands here. */
const deaths = [
  ['root'],
  ['middle'],
  ['leaf'],
  ['leaf'],
  ['root', 'middle'],
  ['root', 'leaf'],
  ['middle', 'leaf'],
  ['root', 'middle', 'leaf'],
] as const;
/** How many of the kills may hit what does not serve yet, and how early. Milliseconds. */
const early = 0.15;
const earlyMs = 1_500;
/** The middle starts its leaf again five times in ten minutes, and then leaves it: what is tried here is the work, not that. */
const leafDeathsALife = 4;
/** After this long a task is stuck, not late. */
const lastPatienceMs = 600_000;

type Serving = Life & { serves: Promise<boolean> };

class Lives {
  readonly killed: Record<string, number> = { root: 0, middle: 0, leaf: 0, 'several at once': 0 };
  kills = 0;
  killsBeforeServing = 0;
  readonly #network: Network;
  readonly #lives = new Map<'root' | 'middle', Serving>();
  #leafDeaths = 0;

  constructor(network: Network) {
    this.#network = network;
  }

  /** Starts what is dead. @returns at once. */
  begin(): void {
    for (const name of ['middle', 'root'] as const) {
      if (this.#lives.get(name)?.isGone() === false) continue;
      this.#lives.set(name, beginDeputy(this.#network[name]));
      if (name === 'middle') this.#leafDeaths = 0;
    }
  }

  /** @throws Error one of them ended before it served, and nobody killed it. */
  async serving(): Promise<void> {
    for (const [name, life] of this.#lives)
      if (!(await life.serves)) throw new Error(`${name} does not start:\n${life.said()}`);
  }

  /** @returns who is dead now: with a middle its leaf. */
  async kill(): Promise<Deputy[]> {
    const chosen = deaths[Math.floor(Math.random() * deaths.length)] ?? ['root'];
    const dying = chosen.flatMap((name): (() => Promise<void>)[] => {
      if (name !== 'leaf') return [async () => this.#lives.get(name)?.kill()];
      const pid = this.#leafDeaths < leafDeathsALife ? pidOf(this.#network.leaf) : undefined;
      return pid === undefined ? [] : [async () => this.#killLeaf(pid)];
    });
    // No leaf is at work: nothing is killed this time.
    const dead = chosen.slice(0, dying.length);
    for (const name of dead) this.killed[name] = (this.killed[name] ?? 0) + 1;
    if (dying.length > 1) this.killed['several at once'] = (this.killed['several at once'] ?? 0) + 1;
    this.kills += dying.length;
    const { root, middle, leaf } = this.#network;
    const leafPid = dead.includes('middle') ? pidOf(leaf) : undefined;
    await Promise.all(dying.map((die) => die()));
    if (leafPid !== undefined) await gone(leaf, leafPid);
    const isDead = { root: dead.includes('root'), middle: dead.includes('middle') };
    return [...(isDead.root ? [root] : []), ...(isDead.middle ? [middle, leaf] : dead.includes('leaf') ? [leaf] : [])];
  }

  #killLeaf(pid: number): void {
    this.#leafDeaths += 1;
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It died with its middle.
    }
  }

  async end(how: 'stop' | 'kill'): Promise<void> {
    // From above, so that nobody asks who is gone.
    for (const name of ['root', 'middle'] as const) await this.#lives.get(name)?.[how]();
  }
}

/** It ends by its guard, a moment after its middle. */
async function gone(leaf: Deputy, pid: number): Promise<void> {
  while (pidOf(leaf) === pid) await wait(5);
}

export async function killThreeLevels({ kills, control, json }: Options): Promise<Figures> {
  const folder = mkdtempSync(join(tmpdir(), 'deputy-kill-3-'));
  const effects = join(folder, 'effects.txt');
  writeFileSync(effects, '');
  const lab = await startCountingHttp(effects);
  const pay = control ? 'idempotent' : 'unsafe';
  const network = await declareNetwork(folder, { effects, lab: lab.url, pay });
  const stores = [network.root, network.middle, network.leaf].map(({ store }) => store);
  const driver = new Driver(effects, 'lead', messageFor, rightAnswerFor);
  const unknown = new Map<string, string>();
  const lives = new Lives(network);
  try {
    while (lives.kills < kills) {
      lives.begin();
      const dead = await liveAndDie(lives, network.root, driver, effects);
      for (const { store } of dead) for (const [name, order] of unknownOrders(store)) unknown.set(name, order);
      if (!json && process.stderr.isTTY) process.stderr.write(`\r${lives.kills} kills, ${driver.tasks.length} tasks `);
    }
    lives.begin();
    await lives.serving();
    const until = Date.now() + lastPatienceMs;
    await driver.workAt(network.root.url, false, () => driver.open.length === 0 || Date.now() > until);
    await lives.end('stop');
    const asked = new Set(stores.flatMap(questionsAsked));
    const setAside = driver.tasks.filter(isSetAside).map(({ order }) => order);
    const unasked = [...unknown].filter(
      ([name, order]) =>
        // Set aside, a task does not come to ask.
        !setAside.some((begin) => order.startsWith(begin)) && !(asked.has(name) && driver.asked.has(order)),
    );
    return {
      kills: lives.kills,
      killsBeforeServing: lives.killsBeforeServing,
      killed: lives.killed,
      ...taskFigures(driver, tasksStored(network.root.store)),
      startedTwice: startedTwice(network),
      ...effectFigures(driver, effects, unsafe),
      unknown: unknown.size,
      unasked: unasked.length,
      unaskedOf: unasked.map(([name, order]) => `${order}: ${name}${asked.has(name) ? ', but at its own Deputy' : ''}`),
      orphans: stores.reduce((sum, store) => sum + openTasks(store), 0),
      answered: driver.answers,
      needless: driver.needless,
    };
  } finally {
    await lives.end('kill');
    lab.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function liveAndDie(lives: Lives, root: Deputy, driver: Driver, effects: string): Promise<Deputy[]> {
  let isDead = false;
  const killAfter = async (moment: Promise<unknown>): Promise<Deputy[]> => {
    await moment;
    isDead = true;
    return lives.kill();
  };
  if (Math.random() < early) {
    lives.killsBeforeServing += 1;
    return killAfter(wait(Math.random() * earlyMs));
  }
  await lives.serving();
  const [dead] = await Promise.all([killAfter(someEffects(effects)), driver.workAt(root.url, true, () => isDead)]);
  return dead;
}

/** Every agent of every task has a name of its own. */
function startedTwice(network: Network): number {
  const seen = new Set<string>();
  let twice = 0;
  for (const deputy of [network.root, network.middle, network.leaf])
    for (const { name } of storedTasks(deputy)) {
      if (seen.has(name)) twice += 1;
      seen.add(name);
    }
  return twice;
}
