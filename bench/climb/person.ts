/**
 * The person at the top: reads each question once, answers in their way, and knows afterwards what must have come of it.
 * What they know of a question is what it shows: its chain and its arguments.
 */
import type { Random } from '../random.ts';
import { receiptOf } from '../networks/counting.ts';
import type { Payment } from './network.ts';

/** `dismiss` decides nothing: it must be asked again, and that once more is no fault. */
export type Word = 'approve' | 'edit' | 'deny' | 'decline' | 'dismiss';

export interface Shown {
  task: string;
  key: string;
  message: string;
}

export interface Asked extends Shown, Payment {}

const words: readonly Word[] = ['approve', 'approve', 'edit', 'deny', 'decline', 'dismiss'];

export const denialOf = (order: string): string => `no ${order}`;
const editedOf = (order: string): string => `${order}-edited`;
export const editedArgs = (order: string): string => JSON.stringify({ order: editedOf(order) });

export class Person {
  /** In words. */
  readonly faults: string[] = [];
  readonly said = new Map<string, Word>();
  #shown = 0;
  readonly #random: Random;
  readonly #payments: ReadonlyMap<string, Payment>;
  /** By order: the keys under which it was shown, the last one last. */
  readonly #keys = new Map<string, string[]>();

  constructor(random: Random, payments: ReadonlyMap<string, Payment>) {
    this.#random = random;
    this.#payments = payments;
  }

  get shown(): number {
    return this.#shown;
  }

  /** @returns what is asked; undefined where it makes no sense, which is a fault. */
  reads(shown: Shown): Asked | undefined {
    const { task, key, message } = shown;
    const order = /^Arguments: \{"order":"([^"]+)"\}$/m.exec(message)?.[1] ?? '';
    const payment = this.#payments.get(order);
    if (payment === undefined) {
      this.faults.push(`a question about nothing that was ordered: ${message}`);
      return undefined;
    }
    const keys = this.#keys.get(order) ?? [];
    if (!keys.includes(key)) {
      this.#shown += 1;
      this.#keys.set(order, [...keys, key]);
      if (keys.length > 0 && this.said.get(order) !== 'dismiss') this.faults.push(`asked twice about ${order}`);
      if (!message.startsWith(`${payment.chain} wants to call bank/pay (unsafe).`))
        this.faults.push(`not asked by ${payment.chain}: ${message}`);
      if (!order.startsWith(`${task}-`)) this.faults.push(`${task} asks about ${order}`);
    }
    return { ...shown, ...payment };
  }

  /** What they say to it. Who dismissed a question once decides it the next time. */
  answers(order: string): { word: Word; response: object } {
    const before = this.said.get(order);
    const word = this.#random.of(before === undefined ? words : words.filter((one) => one !== 'dismiss'));
    this.said.set(order, word);
    return { word, response: responseOf(word, order) };
  }

  /** @param left orders that were carried out. @param answers of the tasks, by their names. */
  judge(left: readonly string[], answers: ReadonlyMap<string, string>): void {
    const due = new Set<string>();
    for (const [order, { chain }] of this.#payments) {
      const word = this.said.get(order);
      const paid = word === 'approve' ? order : word === 'edit' ? editedOf(order) : undefined;
      if (paid !== undefined) due.add(paid);
      const answer = answers.get(order.split('-')[0] ?? '') ?? '';
      // Each clerk repeats what its call came to, or that it was denied and why: behind its own name.
      const clerk = `${order.split('-')[2]}(`;
      const branch = answer.split(`${order.split('-')[1]}(`)[1] ?? '';
      const ownWords = (branch.split(clerk)[1] ?? '').split(')')[0] ?? '';
      const expected = paid !== undefined ? receiptOf(paid) : word === 'deny' ? denialOf(order) : 'declined';
      if (!ownWords.includes(expected)) this.faults.push(`${chain} (${order}, ${word}) heard "${ownWords}"`);
    }
    for (const order of due) {
      const times = left.filter((one) => one === order).length;
      if (times !== 1) this.faults.push(`${order} was approved and paid ${times} times`);
    }
    for (const order of left) if (!due.has(order)) this.faults.push(`${order} was paid, and nobody approved it`);
  }
}

export function responseOf(word: Word, order: string): object {
  switch (word) {
    case 'approve':
      return { action: 'accept', content: { decision: 'approve' } };
    case 'edit':
      return { action: 'accept', content: { decision: 'approve', args: editedArgs(order) } };
    case 'deny':
      return { action: 'accept', content: { decision: 'deny', note: denialOf(order) } };
    case 'decline':
      return { action: 'decline' };
    case 'dismiss':
      return { action: 'cancel' };
  }
}
