/** What goes with a call in `_meta` and is no part of its intent: it may be another one when the call is made again. */
import type { ToolCallOptions } from '../agent/tool.ts';
import type { JsonObject } from '../json.ts';
import { mandateKey, traceKey } from '../meta-keys.ts';
import type { Mandate } from '../task/mandate.ts';
import type { RemoteCall } from './remote-call.ts';

/** @param identity ours: of the links that run in this Deputy */
export function carriedMeta(
  { isAgent }: Pick<RemoteCall, 'isAgent'>,
  { mandate, trace }: Pick<ToolCallOptions, 'mandate' | 'trace'>,
  identity: string | undefined,
): JsonObject | undefined {
  const left = isAgent === true ? mandate?.() : undefined;
  if (left === undefined && trace === undefined) return undefined;
  return {
    ...(left !== undefined && { [mandateKey]: onTheWire(left, identity) }),
    ...(trace !== undefined && { [traceKey]: trace }),
  };
}

const onTheWire = ({ chain, deny, ask, ...numbers }: Mandate, deputy: string | undefined): JsonObject => ({
  ...numbers,
  chain: chain.map((link) => ({ ...(deputy !== undefined && { deputy }), ...link })),
  deny: [...deny],
  ask: [...ask],
});
