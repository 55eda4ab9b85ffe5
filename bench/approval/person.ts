/**
 * Who is asked, and who judges afterwards: what a person saw when they approved is compared with what was true when the
 * call left, by eyes that know nothing of hashes. Every approval lets one call leave.
 */
import type { InputResponse } from '../../src/task/question.ts';
import type { Outside, Truth } from './outside.ts';

export interface Shown {
  task: string;
  /** Of the question. */
  key: string;
  /** As the channel shows it. */
  message: string;
}

interface Sight extends Truth {
  isUnknown: boolean;
}

interface Right extends Sight {
  kind: 'once' | 'task';
  at: number;
}

export class Person {
  readonly #outside: Outside;
  readonly #seen = new Map<string, Sight>();
  /** By task and key: what was said last while the question was open. */
  readonly #rights = new Map<string, Right>();

  constructor(outside: Outside) {
    this.#outside = outside;
  }

  /** Reads a question, once. */
  sees({ task, key, message }: Shown): void {
    const name = `${task} ${key}`;
    if (this.#seen.has(name)) return;
    const [, chain = '', tool = '', effect = 'unsafe'] =
      /^(.+) wants to call (\S+) \((\w+)\)\.$/m.exec(message) ??
      /^(.+) called (\w+), and nobody knows/m.exec(message) ??
      [];
    const policy = /^Why: .*(policy \d+)$/m.exec(message)?.[1] ?? 'none';
    this.#seen.set(name, {
      task,
      bytes: /^Arguments: (.*)$/m.exec(message)?.[1] ?? '',
      ...this.#outside.looked({ chain, tool, effect: effect as Truth['effect'], policy }),
      isUnknown: message.includes('nobody knows whether it happened'),
    });
  }

  /** It is asked whether a call happened of which nobody knows it. */
  isUnknown({ task, key }: Shown): boolean {
    return this.#seen.get(`${task} ${key}`)?.isUnknown === true;
  }

  /** Says something to an open question that they have seen. */
  says({ task, key }: Shown, said: InputResponse): void {
    const sight = this.#seen.get(`${task} ${key}`);
    this.#rights.delete(`${task} ${key}`);
    if (sight === undefined || said.action !== 'accept') return;
    const { decision, args } = said.content;
    const isRight = sight.isUnknown ? decision === 'run' : decision === 'approve' || decision === 'approve_task';
    if (!isRight) return;
    this.#rights.set(`${task} ${key}`, {
      ...sight,
      kind: decision === 'approve_task' ? 'task' : 'once',
      bytes: typeof args === 'string' ? args : sight.bytes,
      at: this.#outside.moment(),
    });
  }

  /** Every call that left without a right to it, in words. */
  violations(): string[] {
    const used = new Set<Right>();
    const repeatable = new Set<string>();
    return this.#outside.left.flatMap((call) => {
      // What is idempotent may be repeated after a crash, as the same call.
      if (call.effect === 'idempotent' && repeatable.has(call.callKey)) return [];
      const right = [...this.#rights.values()].find((one) => {
        if (one.at > call.at || one.task !== call.task || one.chain !== call.chain) return false;
        // A person looked, and said that this very call did not happen: by its name alone.
        if (one.isUnknown) return !used.has(one) && one.bytes === call.bytes;
        const isSame = one.tool === call.tool && one.definition === call.definition && one.policy === call.policy;
        if (!isSame) return false;
        return one.kind === 'task' || (!used.has(one) && one.bytes === call.bytes && one.effect === call.effect);
      });
      if (right !== undefined) used.add(right);
      if (right !== undefined && call.effect === 'idempotent') repeatable.add(call.callKey);
      return right === undefined ? [`no unused approval for ${JSON.stringify(call)}`] : [];
    });
  }
}
