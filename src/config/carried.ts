/** Rules of callers in another Deputy, made into a policy. What a network of ours hands on: `permissions.ts`. */
import type { Carried } from '../agent/policy.ts';
import { policyOf, type AgentPolicy, type Rule } from './permissions.ts';
import { compileRuleGlob, ruleGlobFault } from './tool-globs.ts';

/**
 * What callers in another Deputy deny and ask, as a policy among those of the callers. A glob that cannot be read here
 * is about every call: to pass it over would allow what was forbidden.
 */
export function policyOfCarried({ deny, ask }: Carried): AgentPolicy {
  const ruleOf =
    (decision: 'deny' | 'ask') =>
    (pattern: string): Rule => {
      const fault = ruleGlobFault(pattern);
      return {
        decision,
        pattern:
          fault === undefined ? pattern : `${JSON.stringify(pattern.slice(0, 60))}, which ${fault}, so it is about all`,
        matches: fault === undefined ? compileRuleGlob(pattern) : () => true,
        place: "caller's rule:",
      };
    };
  const rules = [...new Set(deny)].map(ruleOf('deny')).concat([...new Set(ask)].map(ruleOf('ask')));
  return { ...policyOf(rules), carried: { deny, ask } };
}
