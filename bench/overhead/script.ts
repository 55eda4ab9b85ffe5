/**
 * The conversation that every contestant has: 5 turns in which the model asks for 4 echoes side by side, then its
 * answer; so a run is 6 model requests and 20 tool calls.
 */
export const turns = 5;
export const callsPerTurn = 4;
export const requestsPerRun = turns + 1;
export const callsPerRun = turns * callsPerTurn;

export const instructions = 'Echo whatever you are told to echo, then report.';
export const modelName = 'scripted-bench';

export const question = (run: number): string => `Run ${run}: echo five times four texts.`;

/** The run that a conversation belongs to; undefined when its question is not ours. */
export function runOf(question: string): number | undefined {
  const number = /Run (\d+):/.exec(question)?.[1];
  return number === undefined ? undefined : Number(number);
}

/** About as much as a call to a real tool says. */
export const textOfCall = (run: number, turn: number, call: number): string =>
  `run ${run}, turn ${turn}, call ${call}: a line of text as long as a path, a query or a short note is wont to be`;

export const echoOf = (text: string): string => `echo of ${text}`;

export const answerOf = (run: number): string => `Run ${run}: all ${callsPerRun} echoes came back.`;
