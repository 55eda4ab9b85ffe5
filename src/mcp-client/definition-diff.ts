/** What changed in a tool's definition, line by line, for the people who decide on it: nothing in it can hide. */
import { createTwoFilesPatch } from 'diff';
import type { JsonObject } from '../json.ts';
import { capped } from './clean-text.ts';

/** @param before undefined where there was none, as `now` where there is none any more. */
export function definitionDiff(before: JsonObject | undefined, now: JsonObject | undefined): string {
  const [old, fresh] = [linesOf(before), linesOf(now)];
  const patch = createTwoFilesPatch('pinned', 'now', old, fresh, '', '', { context: 2, maxEditLength: mostEdits });
  const half = longest / 2;
  const shown = patch ?? `${marked('-', capped(old, half))}\n${marked('+', capped(fresh, half))}`;
  // Spelled out at the end, so that it takes no longer than what is shown.
  return visible(capped(shown.replace(/^=+\n/, ''), longest));
}

/** Beyond this a comparison takes long and shows little: everything old is shown as gone, everything new as added. */
const mostEdits = 300;
/** Characters. */
const longest = 64 * 1024;

const linesOf = (definition: JsonObject | undefined): string =>
  definition === undefined ? '' : `${JSON.stringify(definition, null, 2)}\n`;

const marked = (mark: string, lines: string): string => lines.trimEnd().replace(/^/gm, mark);

/** Line breaks of the definition's own are `\n` in JSON already. */
const visible = (text: string): string =>
  text.replace(hidden, (character) => `\\u{${character.codePointAt(0)?.toString(16) ?? ''}}`);

const hidden = /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\u{E0100}-\u{E01EF}\u034F\u115F\u1160\u3164\uFFA0]/gu;
