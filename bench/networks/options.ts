/** Options that the benches over networks share. */
export function wholeNumber(option: string, text: string, least = 1, most = 1_000_000): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= least && number <= most) return number;
  throw new Error(`${option}: "${text}" is no whole number from ${least} to ${most}.`);
}

/** Repeats the choices of a run; every report names it. */
export const newSeed = (): string => String(Date.now() % 1e9);
