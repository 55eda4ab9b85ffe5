/* oxlint-disable no-control-regex -- control characters are what this file is about */
/**
 * Text from models and tools, made safe for a terminal: no escape sequence, no control character and no
 * bidirectional override reaches it, so it can neither move the cursor, nor retitle the window, nor hide what it says.
 */

/**
 * CSI; OSC, DCS, SOS, PM and APC with their text; two-character escapes; in 7 and 8 bits (ECMA-48).
 * No part may hold the beginning of another: matching stays linear.
 */
const sequences =
  /(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x90\x98\x9c-\x9f]*(?:\x07|\x1b\\|\x9c)|\x1b[ -/]*[0-OQ-WYZ\\`-~]/g;
const controls = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g;
/** A sequence that has begun and may end in the next piece. */
const unfinished =
  /(?:(?:\x1b\[|\x9b)[0-?]*[ -/]*|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x90\x98\x9c-\x9f]*\x1b?|\x1b[ -/]*)$/;

/** A sequence longer than this is none: its first character alone is dropped. */
const longestSequence = 4096;

export const cleanText = (text: string): string => text.replace(sequences, '').replace(controls, '');

/** The same for text that arrives in pieces: a sequence cut in two is held back until the rest is there. */
export function cleanPieces(): (piece: string) => string {
  let held = '';
  return (piece) => {
    const text = held + piece;
    const cut = text.replace(sequences, (match) => ' '.repeat(match.length)).search(unfinished);
    held = cut >= 0 && text.length - cut <= longestSequence ? text.slice(cut) : '';
    return cleanText(held === '' ? text : text.slice(0, text.length - held.length));
  };
}

/** One line of at most `width` columns. */
export function oneLine(text: string, width: number): string {
  const line = cleanText(text).replaceAll(/\s+/g, ' ').trim();
  if (columnsOf(line) <= width) return line;
  let cut = '';
  let columns = 0;
  for (const character of line) {
    columns += columnsOf(character);
    if (columns > width - 1) break;
    cut += character;
  }
  return width < 1 ? '' : `${cut}…`;
}

const wide =
  /[\p{Emoji_Presentation}\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Script=Han}/u;
const noColumn = /\p{Mark}|\u200b|\u200d|\ufe0f/u;

/** Terminal columns of `text`: rather one too many than one too few, as a wrapped line would break the redraw. */
export function columnsOf(text: string): number {
  let columns = 0;
  for (const character of text) columns += noColumn.test(character) ? 0 : wide.test(character) ? 2 : 1;
  return columns;
}

/** JSON that is as safe to print: JSON escapes what is below space, this also the 8-bit controls. */
export const printableJson = (value: unknown, indent?: number): string =>
  JSON.stringify(value, undefined, indent).replaceAll(
    /[\x7f-\x9f]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
