/**
 * What a 2026 caller carries from one round of a call to the next (2026-07-28, basic/patterns/mrtr): which task it is
 * about, and which round. Signed, and bound to owner, tool and arguments: state that somebody else presents, or with
 * another call, is refused like a forged one. The task's id in it is no secret of the caller's own.
 */
import {
  createRequestStateCodec,
  ProtocolError,
  ProtocolErrorCode,
  type RequestStateCodec,
} from '@modelcontextprotocol/server';
import { createHash, randomBytes } from 'node:crypto';
import { isJsonObject, type Json } from '../json.ts';
import type { Stated } from './call.ts';

export interface RoundState {
  task: string;
  /** 1 for the first reply that is no answer. */
  round: number;
}

interface Sealed extends RoundState {
  call: string;
}

/** People may think for a day; afterwards the task waits on, but no longer for this call. */
const ttlSeconds = 24 * 3600;

/** Where nobody gave a key: state does not outlive this process then. */
const ownKey = randomBytes(32);

const codecs = new WeakMap<Uint8Array, RequestStateCodec<Sealed>>();

function codecOf({ options }: Stated): RequestStateCodec<Sealed> {
  const key = options.stateKey ?? ownKey;
  let codec = codecs.get(key);
  if (codec === undefined) codecs.set(key, (codec = createRequestStateCodec<Sealed>({ key, ttlSeconds })));
  return codec;
}

export const sealState = (call: Stated, state: RoundState): Promise<string> =>
  codecOf(call).mint({ ...state, call: digestOf(call) });

/** @throws ProtocolError it is not ours, has expired, or belongs to another call. */
export async function openState(call: Stated, text: string): Promise<RoundState> {
  const sealed = await codecOf(call)
    .verify(text, call.context)
    .catch(() => undefined);
  if (sealed?.call !== digestOf(call)) {
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'Invalid or expired requestState');
  }
  return sealed;
}

const digestOf = ({ caller, agent, args }: Stated): string =>
  createHash('sha256')
    .update(JSON.stringify(['tools/call', caller.owner, agent.name, sorted(args)]))
    .digest('base64url');

/** The same text for the same value, whatever the order of its keys. */
function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isJsonObject(value)) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}
