/**
 * The model of the loops: it calls every tool that it has, as often as its message says, and where all of that failed it
 * tries again. Nothing but the bounds of Deputy ends it.
 */
export interface Circling {
  /** Calls of each tool side by side. */
  width: number;
  /** Turns. */
  tries: number;
}

interface Scene {
  turn: number;
  user: string;
  results: { text: string; isError: boolean }[];
  tools: { name: string }[];
}

/** An answer holds the reason of the innermost one, whatever is between. */
const keptCharacters = 600;

export default function reply({ turn, user, results, tools }: Scene): object {
  const { width, tries } = JSON.parse(user) as Circling;
  const mayTry = turn === 0 || (turn < tries && results.every(({ isError }) => isError));
  if (!mayTry || tools.length === 0) {
    const reasons = [...new Set(results.map(({ text }) => text.slice(-keptCharacters)))];
    return { text: reasons.length === 0 ? 'the end' : reasons.join(' | ').slice(-keptCharacters) };
  }
  const message = JSON.stringify({ width, tries } satisfies Circling);
  // Other words each time: this is about no limit on calls that are the same.
  const padded = (index: number): string => message + ' '.repeat(turn * width + index);
  const each = Array.from({ length: width }, (_, index) => index);
  return {
    calls: tools.flatMap(({ name }) => each.map((index) => ({ tool: name, args: { message: padded(index) } }))),
  };
}
