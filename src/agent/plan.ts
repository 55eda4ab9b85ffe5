/** The steps of a composed agent, and the calls that they come to. */
import type { JsonObject } from '../json.ts';

/** One step: an agent by its name, several side by side, or one for each item of a list. */
export type PlanStep =
  | { readonly run: string }
  | { readonly parallel: readonly string[] }
  /**
   * `over`: where the list stands in the answer of the step before, or in the input: keys joined by dots; `.` is the
   * whole answer.
   */
  | { readonly map: string; readonly over: string };

export interface PlannedCall {
  agent: string;
  args: JsonObject;
  /** For which item of a list: itself, where it is a short text, else its number. */
  item?: string;
}
