/** Three Deputies, three stores: what the lowest asks is answered at the top, and nowhere else. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { approvals, approve, runAttended } from '../decide.ts';
import { check, deputy, type Place, say, scratch, serve } from '../deputy.ts';

const here = import.meta.dirname;

export async function approvalChain(): Promise<void> {
  const folder = scratch('approvals');
  const orders = join(folder, 'orders');
  mkdirSync(orders);
  const storeOf = (name: string): string => join(folder, name, 'deputy.db');
  const finance = await serve({ folder: join(here, 'finance'), env: { ORDERS: orders, STORE: storeOf('finance') } });
  try {
    const triage: Place = { folder: join(here, 'triage'), env: { FINANCE_URL: finance.url, STORE: storeOf('triage') } };
    say(`triage here -> finance at ${finance.url} -> payments under it`);
    await refund(triage, orders);
    await refused(triage, orders);
  } finally {
    await finance.stop();
  }
}

async function refund(triage: Place, orders: string): Promise<void> {
  const order = join(orders, 'R-1042.json');
  const { code, out } = await runAttended(
    triage,
    ['intake', 'R-1042: 120 EUR back, the box was broken.'],
    async (id) => {
      check(!existsSync(order), 'nothing is paid before somebody approved it');
      const [waiting] = await approvals(triage);
      if (waiting === undefined) await answerQuestion(triage, id);
      else {
        check(
          waiting.chain.join(' → ') === 'intake → finance/controller → payments/clerk',
          'the approval shows who asks',
        );
        await approve(triage, waiting);
      }
    },
  );
  say(JSON.parse(out).answer);
  check(code === 0, 'the task has ended well');
  check(
    JSON.parse(readFileSync(order, 'utf8')).centre === 'service',
    'the order has what the person at the top answered',
  );
}

async function refused(triage: Place, orders: string): Promise<void> {
  const { out } = await runAttended(triage, ['intake', 'R-1043: 900 EUR back, I changed my mind.'], () => {
    throw new Error('nobody should be asked');
  });
  say(JSON.parse(out).answer);
  check(!existsSync(join(orders, 'R-1043.json')), 'what the rules of finance refuse is not paid');
}

/** The controller's question for the cost centre. */
async function answerQuestion(triage: Place, task: string): Promise<void> {
  const { out } = await deputy(triage, '-q', 'tasks', 'get', task, '--json');
  const { inputRequests } = JSON.parse(out) as { inputRequests: Record<string, { message: string }> };
  const [[key, { message }] = ['', { message: '' }]] = Object.entries(inputRequests);
  say(`answer "service": ${message.split('\n')[0]}`);
  const { code } = await deputy(triage, '-q', 'tasks', 'respond', task, key, 'answer=service');
  check(code === 0, 'the question of finance is answered at the top');
}
