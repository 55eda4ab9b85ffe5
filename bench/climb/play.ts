import { type Random, randomOf } from '../random.ts';
import { type Caller, callerOf, isEnded, type TaskSeen, textOf } from '../networks/caller.ts';
import { messageOf } from '../networks/plan.ts';
import { type CommandLine, commandLineOf } from './command-line.ts';
import { openNetwork, paymentsOf, type Pins, planOf } from './network.ts';
import { type Asked, Person, responseOf } from './person.ts';

export interface Options {
  tasks: number;
  seed: number;
  pins: Pins;
  /** How many of the answers are given at the command line. */
  typed: number;
  /** The control: each answer is given to another question than it was meant for. */
  isMixedUp?: boolean;
}

export interface Figures {
  /** Questions that were open together before the first was answered. */
  atOnce: number;
  answered: number;
  typed: number;
  paid: number;
  /** In words. */
  faults: readonly string[];
  seconds: number;
}

interface Scene {
  caller: Caller;
  line: CommandLine;
  person: Person;
  random: Random;
  /** Names of tasks by their ids. */
  names: ReadonlyMap<string, string>;
  isMixedUp: boolean;
}

export async function playClimb({ tasks, seed, pins, typed, isMixedUp = false }: Options): Promise<Figures> {
  const begun = performance.now();
  const network = await openNetwork(pins);
  try {
    const caller = callerOf(network.root.url);
    const wanted = Array.from({ length: tasks }, (_, index) => `t${index}`);
    const payments = new Map(wanted.flatMap(paymentsOf).map((payment) => [payment.order, payment]));
    const random = randomOf(seed);
    const person = new Person(random, payments);
    const names = new Map<string, string>();
    for (const name of wanted) names.set(await caller.start('lead', messageOf(planOf(name))), name);

    const open = await Promise.all(
      [...names.keys()].map((id) => caller.awaited(id, (task) => isEnded(task) || questionsIn(task).length === 8)),
    );
    const atOnce = open.reduce((sum, task) => sum + questionsIn(task).length, 0);
    const scene = { caller, line: commandLineOf(network.root), person, random, names, isMixedUp };
    const figures = await answerAll(scene, typed);
    const ends = await Promise.all([...names.keys()].map((id) => caller.awaited(id, isEnded)));
    const paid = network.counting.calls.map(({ order }) => order);
    person.judge(paid, new Map(ends.map((task) => [names.get(task.taskId) ?? '', textOf(task)])));
    const seconds = (performance.now() - begun) / 1000;
    return { atOnce, ...figures, paid: paid.length, faults: person.faults, seconds };
  } finally {
    await network.close();
  }
}

const questionsIn = ({ inputRequests = {} }: TaskSeen): [string, string][] =>
  Object.entries(inputRequests).map(([key, { params }]) => [key, params.message ?? '']);

/** All that is open is read, and one of it answered, until nothing is open: and each answer is contradicted at once. */
async function answerAll(scene: Scene, typed: number): Promise<{ answered: number; typed: number }> {
  const { caller, person, random, names } = scene;
  const done = { answered: 0, typed: 0 };
  const waiting = new Set(names.keys());
  while (waiting.size > 0) {
    const asked: Asked[] = [];
    for (const id of waiting) {
      const task = await caller.get(id);
      if (isEnded(task)) waiting.delete(id);
      for (const [key, message] of questionsIn(task)) {
        const one = person.reads({ task: names.get(id) ?? '', key, message });
        if (one !== undefined) asked.push({ ...one, task: id });
      }
    }
    // A part of what is open, in any order, and then another look.
    const chosen = shuffled(asked, random).slice(0, Math.max(1, Math.ceil(asked.length / 2)));
    for (const [index, one] of chosen.entries()) {
      const isTyped = done.typed < typed && done.answered % 2 === 0;
      const meant = scene.isMixedUp ? (chosen[index - 1] ?? one) : one;
      if (await answerOne(scene, one, meant.order, isTyped)) done.typed += 1;
      done.answered += 1;
    }
    if (asked.length === 0) await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return done;
}

/** @param meant the order that they have in mind: that of the question. @returns whether it was typed. */
async function answerOne(
  { caller, line, person }: Scene,
  { task, key, order, chain }: Asked,
  meant: string,
  typed: boolean,
): Promise<boolean> {
  const { word, response } = person.answers(meant);
  const isTyped = typed && word !== 'decline' && word !== 'dismiss';
  if (isTyped) await line.decide(task, key, { order, chain }, word);
  else await caller.answer(task, { [key]: response });
  // Whoever comes late changes nothing.
  await caller.answer(task, { [key]: responseOf(word === 'approve' ? 'deny' : 'approve', order) });
  return isTyped;
}

const shuffled = <T>(list: readonly T[], random: Random): T[] =>
  list
    .map((one) => ({ one, at: random.below(2 ** 30) }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ one }) => one);
