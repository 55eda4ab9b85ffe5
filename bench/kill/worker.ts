/** The model of the bench: it follows the plan. */
import { plan } from './plan.ts';

interface Scene {
  turn: number;
  user: string;
  results: { isError: boolean }[];
}

export default function reply({ turn, user, results }: Scene): object {
  if (results.some(({ isError }) => isError)) return { text: `wrong: ${JSON.stringify(results)}` };
  const calls = plan[turn];
  if (calls === undefined) return { text: `done ${user}` };
  return { calls: calls.map(({ tool, letter }) => ({ tool, args: { order: `${user}${letter}` } })) };
}
