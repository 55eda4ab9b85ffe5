/**
 * Globs over names: `*` is any run of characters, `/` included, `?` one that is no `/`, `{a,b}` a choice; all else is
 * itself. Some come from other Deputies: so no regular expression, whose time could grow with what they hold.
 */

/** What one name may be: the texts between the stars, in order. */
type Pieces = readonly string[];

/** Of choices multiplied: `{a,b}{c,d}` has four. */
const mostChoices = 64;

/** @returns undefined where its choices multiply to too many. */
export function compileGlob(pattern: string): ((name: string) => boolean) | undefined {
  const choices = expanded(pattern);
  if (choices.length > mostChoices) return undefined;
  const all = choices.map((choice): Pieces => choice.split(/\*+/));
  return (name) => all.some((pieces) => fits(pieces, name));
}

/** The same without choices; of more than `mostChoices`, one more than that. */
function expanded(pattern: string): string[] {
  const [head = '', ...groups] = pattern.split(/(\{[^{}]*,[^{}]*\})/);
  let all = [head];
  for (const part of groups) {
    const options =
      part.startsWith('{') && part.includes(',') && part.endsWith('}') ? part.slice(1, -1).split(',') : [part];
    all = all.flatMap((before) => options.map((option) => before + option)).slice(0, mostChoices + 1);
  }
  return all;
}

/** Each piece is taken where it first stands: what a star swallows more than it must would only make room for less. */
function fits(pieces: Pieces, name: string): boolean {
  const [first = '', ...rest] = pieces;
  const last = rest.pop();
  if (last === undefined) return first.length === name.length && standsAt(first, name, 0);
  const end = name.length - last.length;
  if (end < first.length || !standsAt(first, name, 0) || !standsAt(last, name, end)) return false;
  let at = first.length;
  for (const piece of rest) {
    while (at + piece.length <= end && !standsAt(piece, name, at)) at += 1;
    if (at + piece.length > end) return false;
    at += piece.length;
  }
  return true;
}

function standsAt(piece: string, name: string, at: number): boolean {
  for (let index = 0; index < piece.length; index++) {
    const wanted = piece[index];
    const found = name[at + index];
    if (wanted === '?' ? found === '/' || found === undefined : wanted !== found) return false;
  }
  return true;
}
