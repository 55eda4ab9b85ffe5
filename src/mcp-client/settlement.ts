/** What a call of an agent of another Deputy cost: what it says, and where nobody knows, what was lent to it. */
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import type { ToolOutcome } from '../agent/tool.ts';
import { taskKey } from '../meta-keys.ts';
import type { Mandate } from '../task/mandate.ts';
import { noUsage, usageFrom } from '../task/usage.ts';

/** Of a call that is known not to have become a task. */
export const nothingUsed: Pick<ToolOutcome, 'usage' | 'agents'> = { usage: noUsage, agents: 0 };

/** With what the answer of the other Deputy tells of its task. */
export function settledOutcome(outcome: ToolOutcome, { _meta }: JsonObject): ToolOutcome {
  const told = isJsonObject(_meta) ? _meta[taskKey] : undefined;
  // Refused at its door.
  if (!isJsonObject(told)) return outcome.isError ? { ...outcome, ...nothingUsed } : outcome;
  const usage = usageFrom(told['usage']);
  return {
    ...outcome,
    ...(usage !== undefined && { usage }),
    agents: 1 + (countIn(told['agents']) ?? 0),
    // As of an agent of ours: who stopped it meant all of it.
    ...(told['stop'] === 'stopped' && { stops: true }),
  };
}

/** A crash never refunds: who may have worked and told nothing has used all that was lent to it. */
export function chargedAsLent(outcome: ToolOutcome, lent: Mandate | undefined): ToolOutcome {
  if (outcome.usage !== undefined || (lent?.tokens === undefined && lent?.cost === undefined)) return outcome;
  return {
    ...outcome,
    usage: { ...noUsage, inputTokens: Math.ceil(lent.tokens ?? 0), cost: lent.cost ?? null },
    agents: outcome.agents ?? 1,
  };
}

/** Within what can be added up: a sum that is no number would be no limit. */
const countIn = (value: Json | undefined): number | undefined =>
  typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER ? value : undefined;
