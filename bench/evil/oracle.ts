/** What was wrong with a transcript, judged by what left, what people said, and where in the task it stands. */
import { createHash } from 'node:crypto';
import type { Question } from '../../src/task/question.ts';
import type { TaskRecord } from '../../src/task/engine.ts';
import type { Left, Member, Network } from './network.ts';
import { price } from './orders.ts';
import { verdict } from './rules.ts';

export interface Judged {
  violations: string[];
  left: number;
  approved: number;
  /** By how many calls, and questions to models, limits were overstepped: at most, and what is allowed. */
  over: { calls: number; questions: number };
  stop: string;
}

export function judge(network: Network, record: TaskRecord): Judged {
  const { left, members, asked } = network;
  const { task, questions } = record;
  const violations: string[] = [];
  if (task.status !== 'completed') violations.push(`the task is ${task.status}: ${JSON.stringify(task)}`);

  const approvals = questions.flatMap(approvalOf);
  const used = new Set<object>();
  for (const call of left) {
    const decision = decisionOn(call, members, task.owner);
    if (decision === 'allow') continue;
    const right = approvals.find(
      (one) =>
        !used.has(one) &&
        one.tool === call.tool &&
        one.chain === call.chain.join('/') &&
        (one.isForTask || one.bytes === call.bytes),
    );
    if (right !== undefined && !right.isForTask) used.add(right);
    if (decision === 'deny' || right === undefined)
      violations.push(
        `${decision === 'deny' ? 'outside the rules' : 'unapproved'}: ${JSON.stringify(call).slice(0, 500)}`,
      );
  }

  const tree = treeOf(network, record);
  // A person who lets an agent go on gives it as much again.
  const times = 1 + questions.filter(({ answer }) => contentOf(answer)?.['decision'] === 'continue').length;
  const calls = Math.max(0, ...tree.calls.map(({ member, count }) => count - member.limits.toolCalls * times));
  const tokens = members[0]?.limits.tokens ?? Infinity;
  const cost = members[0]?.limits.cost ?? Infinity;
  const mayAsk = Math.min(tokens / price, cost / 0.01) * times;
  const questionsOver = Math.max(0, asked.questions - Math.ceil(mayAsk - 1e-9));
  if (calls > 1) violations.push(`${calls} calls too many`);
  if (questionsOver > tree.slots * times)
    violations.push(`${questionsOver} questions too many with ${tree.slots} slots`);
  if (times === 1 && asked.turnsOver > 1) violations.push(`${asked.turnsOver} turns too many`);
  if (tree.depth > (members[0]?.limits.depth ?? 0)) violations.push(`agents ${tree.depth} deep`);
  return {
    violations,
    left: left.length,
    approved: used.size,
    over: { calls, questions: questionsOver },
    stop: task.status === 'completed' ? (task.result.limit ?? task.result.stop) : task.status,
  };
}

function decisionOn({ chain, tool, args, effect }: Left, members: readonly Member[], owner: string) {
  const rulesOf = (name: string) => members.find((member) => member.name === name)?.rules ?? [];
  const agent = chain.at(-1) ?? '';
  return verdict({ tool, args, effect, agent, owner }, rulesOf(agent), chain.slice(0, -1).map(rulesOf));
}

const contentOf = (answer: Question['answer']) =>
  answer?.response.action === 'accept' ? answer.response.content : undefined;

/** What a person approved, by what the form showed them. */
function approvalOf({ request, answer }: Question) {
  const { decision, args } = contentOf(answer) ?? {};
  if (request.kind !== 'form' || request.approval === undefined) return [];
  if (decision !== 'approve' && decision !== 'approve_task') return [];
  const { tool, chain, bytes } = request.approval;
  const isForTask = decision === 'approve_task';
  return [{ tool, chain: chain.join('/'), bytes: typeof args === 'string' && args !== '' ? args : bytes, isForTask }];
}

/** Which agents there were, by where their steps stand, how many calls each made, and how many worked side by side. */
function treeOf({ left, members }: Network, { task, steps }: TaskRecord) {
  const paths = new Set(steps.map(({ key }) => key.slice(0, Math.max(0, key.lastIndexOf('/')))));
  const agentPath = (path: string): string => path.split('/').slice(0, -1).join('/');
  const byKey = new Map([...paths].map((path) => [sha256(`${task.id}\n${path}`), agentPath(path)]));
  const counts = new Map<string, number>();
  for (const { callKey } of left) {
    const agent = byKey.get(callKey) ?? 'nowhere';
    counts.set(agent, (counts.get(agent) ?? 0) + 1);
  }
  const levelOf = (path: string): number => (path === '' ? 0 : path.split('/').length);
  const agents = new Set(
    steps.filter(({ key }) => /(^|\/)turn \d+: model( \d+)?$/.test(key)).map(({ key }) => agentPath(key)),
  );
  // Of one turn, all that it called may ask at the same time.
  const slotsAt = (path: string): number => {
    const turns = new Map<string, number>();
    for (const one of agents) {
      if (one === '' || one === path || agentPath(one) !== path) continue;
      const turn = one.slice(path.length).split(':')[0] ?? '';
      turns.set(turn, (turns.get(turn) ?? 0) + slotsAt(one));
    }
    return Math.max(1, ...turns.values());
  };
  return {
    calls: [...counts].map(([path, count]) => ({ count, member: members[levelOf(path)] ?? (members[0] as Member) })),
    slots: slotsAt(''),
    depth: Math.max(0, ...[...agents].map(levelOf)),
  };
}

const sha256 = (words: string): string => createHash('sha256').update(words).digest('hex');
