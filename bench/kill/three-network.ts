/** Three Deputies: the root and the middle over HTTP, the leaf on stdio under the middle; each calls servers itself as well. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { JsonObject } from '../../src/json.ts';
import { declare, type Deputy, deputyIn, obedient, overHttp, overStdio } from '../networks/deputy.ts';
import { answerOf, type Call, messageOf, type Plan } from '../networks/plan.ts';

export interface Network {
  root: Deputy;
  middle: Deputy;
  leaf: Deputy;
}

interface Outside {
  /** The file of effects. */
  effects: string;
  /** Of the server that lives on. */
  lab: string;
  /** The class of what is unsafe: another one in the control. */
  pay: 'unsafe' | 'idempotent';
}

const hands = fileURLToPath(new URL('./counting-stdio.ts', import.meta.url));

export async function declareNetwork(folder: string, { effects, lab, pay }: Outside): Promise<Network> {
  const [root, middle, leaf] = await Promise.all(['root', 'middle', 'leaf'].map((name) => deputyIn(folder, name)));
  if (root === undefined || middle === undefined || leaf === undefined) throw new Error(`no ${join(folder, 'leaf')}`);
  const tools = { pay: { effect: pay }, put: { effect: 'idempotent' }, look: { effect: 'read' } };
  const outside = { lab: { url: lab, concurrency: 100, tools } };
  const agent = (globs: string[]): JsonObject => ({ description: 'Does its plan.', model: obedient, tools: globs });
  const permissions = { allow: ['*/*'] };
  declare(root, {
    mcpServers: { ...outside, middle: overHttp(middle) },
    agents: { lead: agent(['lab/*', 'middle/*']) },
    permissions,
  });
  declare(middle, {
    mcpServers: { ...outside, leaf: overStdio(leaf) },
    agents: { desk: agent(['lab/*', 'leaf/*']) },
    permissions,
  });
  declare(leaf, {
    mcpServers: {
      ...outside,
      // Dies with its Deputy.
      hands: {
        command: process.execPath,
        args: [hands],
        env: { BENCH_EFFECTS: effects, NODE_NO_WARNINGS: '1' },
        concurrency: 100,
        tools,
      },
    },
    agents: { worker: agent(['lab/*', 'hands/*']) },
    permissions,
  });
  return { root, middle, leaf };
}

const leafOne: Plan = {
  say: 'one',
  turns: [
    [call('hands/pay', 'c'), call('lab/pay', 'd'), call('hands/put', 'e')],
    [call('lab/pay', 'f'), call('hands/look', 'g')],
  ],
};
const leafTwo: Plan = { say: 'two', turns: [[call('hands/pay', 'h')], [call('lab/look', 'i')]] };
const desk: Plan = {
  say: 'desk',
  turns: [
    [call('lab/pay', 'b'), { tool: 'leaf/worker', plan: leafOne }],
    [{ tool: 'leaf/worker', plan: leafTwo }, call('lab/put', 'j')],
  ],
};
const lead: Plan = {
  say: 'lead',
  turns: [[call('lab/pay', 'a'), { tool: 'middle/desk', plan: desk }], [call('lab/pay', 'k')]],
};

/** `@` stands for the task's own name: every order is the only one of its kind. */
function call(tool: string, letter: string): Call {
  return { tool, args: { order: `@${letter}` } };
}

/** The letters of the calls that are unsafe. */
export const unsafe = ['a', 'b', 'c', 'd', 'f', 'h', 'k'];

const named = (order: string): Plan => {
  const text = JSON.stringify(lead).replaceAll('@', order);
  return JSON.parse(text.replaceAll(/"say":"(\w+)"/g, `"say":"${order}$1"`)) as Plan;
};

export const messageFor = (order: string): string => messageOf(named(order));

export const rightAnswerFor = (order: string): string => answerBy(named(order));

const answerBy = (plan: Plan): string =>
  answerOf(
    plan,
    plan.turns.flat().map((one) => ('plan' in one ? answerBy(one.plan) : `${one.tool.split('/')[1]} done`)),
  );
