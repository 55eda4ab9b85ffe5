/** What a run of the referee comes to, held against what is expected to fail. */

export interface Check {
  id: string;
  status: string;
  errorMessage?: string;
  details?: unknown;
}

/** By scenario. */
export type Results = Record<string, Check[]>;

export interface Verdict {
  passed: string[];
  expected: string[];
  /** Failed, and nobody expected it. */
  unexpected: string[];
  /** Expected to fail, but passed or did not run: to be removed from the file. */
  stale: string[];
}

/** A warning is a failure: the referee gives one where it could not look. Nothing but skipped checks is no pass either. */
const hasPassed = (checks: readonly Check[]): boolean =>
  checks.some(({ status }) => status === 'SUCCESS') &&
  checks.every(({ status }) => status !== 'FAILURE' && status !== 'WARNING');

const wasSkipped = (checks: readonly Check[]): boolean => checks.every(({ status }) => status === 'SKIPPED');

export function judge(results: Results, expectedFailures: readonly string[]): Verdict {
  const ran = Object.keys(results).filter((scenario) => !wasSkipped(results[scenario] ?? []));
  const passed = ran.filter((scenario) => hasPassed(results[scenario] ?? []));
  const failed = ran.filter((scenario) => !passed.includes(scenario));
  return {
    passed,
    expected: failed.filter((scenario) => expectedFailures.includes(scenario)),
    unexpected: failed.filter((scenario) => !expectedFailures.includes(scenario)),
    stale: expectedFailures.filter((scenario) => !failed.includes(scenario)),
  };
}
