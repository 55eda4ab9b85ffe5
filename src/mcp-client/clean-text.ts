/**
 * Text from servers that models and people read. What nobody can see must not be able to say anything: terminal
 * sequences, control characters, bidi and zero-width marks, Unicode tags and the variation selectors used to smuggle.
 */
// eslint-disable-next-line no-control-regex -- control characters are what this is about
const terminalSequence = /\u001B(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001B]*(?:\u0007|\u001B\\)?|[@-Z\\-_])/gu;
const invisible = /[\p{Cf}\p{Cs}\u{E0100}-\u{E01EF}\u034F\u115F\u1160\u3164\uFFA0]|(?![\n\t])\p{Cc}/gu;

export const withoutInvisible = (value: string): string => value.replace(terminalSequence, '').replace(invisible, '');

/** The same on one line: nothing in it passes for a line of somebody else. */
export const oneLine = (value: string, max: number): string =>
  capped(
    withoutInvisible(value.slice(0, 4 * max))
      .replaceAll(/\s+/g, ' ')
      .trim(),
    max,
  );

/** Cut at `max` characters, and said so. */
export const capped = (value: string, max: number): string =>
  value.length <= max ? value : `${value.slice(0, max - 13)}… (cut short)`;
