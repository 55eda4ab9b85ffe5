/** The model of these networks: it does what its plan says. */
import { answerOf, argsOf, type Plan } from './plan.ts';

type Block = { type: string; content?: { text?: string }[]; isError?: boolean };
interface Scene {
  turn: number;
  user: string;
  messages: { role: string; content: Block[] }[];
}

export default function reply({ turn, user, messages }: Scene): object {
  const plan = JSON.parse(user) as Plan;
  const isOver = turn >= plan.turns.length * (plan.times ?? 1);
  const calls = isOver ? undefined : plan.turns[turn % plan.turns.length];
  if (calls !== undefined) return { calls: calls.map((call) => ({ tool: call.tool, args: argsOf(call, turn) })) };
  const results = messages.flatMap(({ content }) => content.filter(({ type }) => type === 'tool_result'));
  return { text: answerOf(plan, results.map(textOf)) };
}

const textOf = ({ content = [], isError }: Block): string =>
  (isError === true ? '!' : '') + content.map(({ text = '' }) => text).join('');
