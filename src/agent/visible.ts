/**
 * Nothing hides in what a person is asked to judge: control characters, line breaks, spaces that are none, and what is
 * not drawn at all are spelled out.
 */
export const visible = (value: string): string =>
  value.replace(
    /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]|(?! )\p{Zs}/gu,
    (character) => `\\u{${character.codePointAt(0)?.toString(16) ?? ''}}`,
  );

/** Of agents, tools, and servers that ask: `triage`, `lab/triage`, `server files`. */
const plainName = /^(server )?[\p{L}\p{M}\p{N}._:@/+-]+$/u;

/** A name that is none stands in quotes, so that it passes neither for two nor for words of ours around it. */
export function shownName(name: string, most = 200): string {
  const shown = visible(name.slice(0, most)) + (name.length > most ? '…' : '');
  if (plainName.test(name)) return shown;
  return `"${shown.replaceAll('"', String.raw`\u{22}`).replaceAll('→', String.raw`\u{2192}`)}"`;
}

/** Links of a chain that are shown, and characters of each. */
const shownLinks = 12;
const shownLink = 80;

/** Who asks, from the top down. None of them pushes the others out of sight. */
export function shownChain(chain: readonly string[]): string {
  const names = chain.map((name) => shownName(name, shownLink));
  const hidden = names.length - shownLinks;
  if (hidden > 0) names.splice(shownLinks / 2, hidden, `… (${hidden} more)`);
  return names.join(' → ');
}

/** A question in words that are not ours. */
export const asksText = (chain: readonly string[], words: string): string =>
  `${shownChain(chain)} asks:\n${quoted(words)}`;

/** The words of somebody else, as such: no line of theirs can be taken for one of ours. */
export const quoted = (words: string, most = 2_000): string => {
  const shown = words.length <= most ? words : `${words.slice(0, most)}… (${words.length} characters)`;
  return shown
    .split(/\r\n|[\n\r\u2028\u2029]/)
    .map((line) => `> ${visible(line)}`)
    .join('\n');
};
