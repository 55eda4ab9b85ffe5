/**
 * What the agent that calls leaves to the task (`Mandate`), as `_meta` of its `tools/call` has it. Whoever sends one only
 * narrows what we would allow anyway: so it is checked for its shape and its size, and believed.
 */
import { ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server';
import * as z from 'zod/v4';
import { isTraceparent } from '../agent/trace.ts';
import { mandateKey, traceKey } from '../meta-keys.ts';
import { type Mandate, mandateBounds } from '../task/mandate.ts';

const name = z.string().min(1).max(mandateBounds.text);
const patterns = z.array(name).max(mandateBounds.patterns);
const amount = z.number().nonnegative();

const schema: z.ZodType<Mandate> = z.object({
  chain: z.array(z.object({ agent: name, deputy: name.exactOptional() })).max(mandateBounds.links),
  depth: z.number(),
  agents: amount,
  tokens: amount.exactOptional(),
  cost: amount.exactOptional(),
  time: amount.exactOptional(),
  deny: patterns,
  ask: patterns,
});

type Meta = Readonly<Record<string, unknown>> | undefined;

/** Undefined: a caller like any other. @throws ProtocolError it is malformed: a limit that was lost would be none. */
export function readMandate(meta: Meta): Mandate | undefined {
  const given = meta?.[mandateKey];
  if (given === undefined) return undefined;
  const { success, data, error } = schema.safeParse(given);
  if (success) return data;
  const [issue] = error.issues;
  const place = issue === undefined || issue.path.length === 0 ? '' : `.${z.core.toDotPath(issue.path)}`;
  const what = `_meta["${mandateKey}"]${place}: ${issue?.message ?? 'it is malformed'}`;
  throw new ProtocolError(ProtocolErrorCode.InvalidParams, what);
}

/** A trace is only watched: what is malformed is ignored. */
export function readTrace(meta: Meta): string | undefined {
  const trace = meta?.[traceKey];
  return isTraceparent(trace) ? trace : undefined;
}
