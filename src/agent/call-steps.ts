/** The names under which a tool call is recorded, in its branch. Journals of earlier versions have them too. */

/** What a call came to. Every branch of the loop is a call, and every call that ends well has it, or the next one. */
export const callStep = 'call';
/** What a call came to in the end, where a person had to be asked: it replaces what was recorded before. */
export const settledStep = 'settled';
/** What the operator's hooks made of it: it replaces both. */
export const afterToolStep = 'after_tool';

/** Attempt number `round` of the step called `name`: the first has the bare name. */
export const nameOfRound = (name: string, round: number): string => (round === 1 ? name : `${name} ${round}`);

/** Whether a step of a call's branch is one of those above: the last of them that is recorded is what the call came to. */
export const isOutcomeStep = (step: string): boolean =>
  step === settledStep || step === afterToolStep || /^call( \d+)?$/.test(step);
