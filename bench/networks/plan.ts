/**
 * What the agents of these networks do: each is told its plan in its message, and does it to the letter. So one model
 * serves every agent of every Deputy, and what must come of a task follows from the plan alone.
 */
import type { JsonObject } from '../../src/json.ts';

export interface Plan {
  /** Its answer begins with this. */
  say: string;
  /** Calls side by side, turn by turn. */
  turns: readonly (readonly Call[])[];
  /** The turns that often; `#` in an order is the number of the turn. Default 1. */
  times?: number;
  /** Tokens in and out of each question to its model, where its model is an endpoint of the bench. */
  tokens?: readonly [number, number];
}

/** Of a tool, or of an agent, which is told a plan of its own. */
export type Call = { tool: string; args: JsonObject } | { tool: string; plan: Plan };

export function argsOf(call: Call, turn: number): JsonObject {
  if ('plan' in call) return { message: messageOf(call.plan) };
  const { order } = call.args;
  return typeof order === 'string' ? { ...call.args, order: order.replace('#', String(turn)) } : call.args;
}

export const messageOf = (plan: Plan): string => JSON.stringify(plan);

/** What an agent answers that has done its plan. @param results of all its calls, in order. */
export const answerOf = ({ say }: Plan, results: readonly string[]): string => `${say}(${results.join('; ')})`;
