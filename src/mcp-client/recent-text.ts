/** The last lines of a stream, in bounded memory. */
export interface RecentText {
  add(text: string): void;
  /** At most `lines` of the last lines, without blank ones. */
  lines(lines: number): string[];
}

const keptCharacters = 8_192;

export function recentText(): RecentText {
  let kept = '';
  return {
    add(text) {
      kept = (kept + text.slice(-keptCharacters)).slice(-keptCharacters);
    },
    lines(lines) {
      return kept
        .split('\n')
        .map((line) => line.trimEnd())
        .filter((line) => line !== '')
        .slice(-lines);
    },
  };
}
