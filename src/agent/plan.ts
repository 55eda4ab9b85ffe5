/** The steps of a composed agent. */

/** One step: an agent by its name, several side by side, or one for each item of a list. */
export type PlanStep =
  | { readonly run: string }
  | { readonly parallel: readonly string[] }
  /** `over`: where the list stands in the answer of the step before, or in the input: keys joined by dots. */
  | { readonly map: string; readonly over: string };
