/** The scripted model of this bench: one echo a turn, as many as the user says, and then the last echo as its answer. */
interface Scene {
  turn: number;
  user: string;
  last: string;
}

/** About as much as a call to a real tool says. */
export const textOf = (turn: number): string =>
  `turn ${turn}: a line of text as long as a path, a query or a short note is wont to be`;

export const answerOf = (turns: number): string => textOf(turns - 1);

export default function reply({ turn, user, last }: Scene): object {
  const turns = Number(user);
  if (turn > 0 && last !== textOf(turn - 1)) return { text: `The echo of turn ${turn - 1} did not come back.` };
  return turn === turns ? { text: last } : { calls: [{ tool: 'echo', args: { text: textOf(turn) } }] };
}
