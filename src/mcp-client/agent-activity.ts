/** What the agents of another Deputy do at the moment, as it tells it beside the task: read at the door. */
import { isJsonObject, type Json } from '../json.ts';
import { activityKey } from '../meta-keys.ts';
import type { Activity } from '../task/mandate.ts';
import { chainBelow } from './chain.ts';
import { oneLine } from './clean-text.ts';

/** Branches at work, and characters of a line. */
const most = { branches: 50, line: 500 } as const;

/** @param meta of what is told of the task; undefined where it says nothing of this. */
export function activityBelow(server: string, meta: Json | undefined): Activity[] | undefined {
  const told = isJsonObject(meta) ? meta[activityKey] : undefined;
  if (!Array.isArray(told)) return undefined;
  return told.slice(0, most.branches).flatMap((one) => {
    const chain = isJsonObject(one) ? chainBelow(server, one['chain']) : undefined;
    const line = isJsonObject(one) ? one['line'] : undefined;
    if (chain === undefined || typeof line !== 'string') return [];
    return [{ chain, line: oneLine(line, most.line) }];
  });
}
