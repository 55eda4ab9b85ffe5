/** A person at the root's machine who decides with `deputy approvals`. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type Deputy, main } from '../networks/deputy.ts';
import type { Payment } from './network.ts';
import { denialOf, editedArgs, type Word } from './person.ts';

const run = promisify(execFile);

export interface CommandLine {
  /** @param key of the question. @throws Error the list says something else about it than it should. */
  decide(task: string, key: string, payment: Payment, word: Word): Promise<void>;
}

export function commandLineOf({ file }: Deputy): CommandLine {
  const deputy = async (...args: string[]): Promise<string> => {
    const env = { ...process.env, NODE_NO_WARNINGS: '1' };
    return (await run(process.execPath, [main, '-c', file, 'approvals', ...args], { env })).stdout;
  };
  return {
    async decide(task, key, { order, chain }, word) {
      const listed = JSON.parse(await deputy('list', '--json')) as {
        approvals: { id: string; task: string; key: string; arguments: string; chain: string[] }[];
      };
      const one = listed.approvals.find((each) => each.task === task && each.key === key);
      if (one?.arguments !== JSON.stringify({ order }))
        throw new Error(`deputy approvals list has ${one?.arguments ?? 'nothing'} for ${order}`);
      if (one.chain.join(' → ') !== chain)
        throw new Error(`deputy approvals list has ${one.chain.join(' → ')} for ${chain}`);
      if (word === 'deny') await deputy('deny', one.id, '--note', denialOf(order));
      else if (word === 'edit') await deputy('edit', one.id, '--args', editedArgs(order));
      else await deputy('approve', one.id);
    },
  };
}
