/**
 * Who asks in another Deputy, and what: read at the door of what it tells beside its question, so that the question can
 * be put in words of ours. An approval of its own keeps its text and gets a hash that can be none of ours.
 */
import { sha256 } from '../hash.ts';
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { questionKey } from '../meta-keys.ts';
import type { EffectClass } from '../task/effect.ts';
import type { Approval, Asker, InputRequest } from '../task/question.ts';
import { chainBelow } from './chain.ts';
import { capped, withoutInvisible } from './clean-text.ts';

/** Characters. */
const most = { words: 4_000, hash: 200, tool: 512, bytes: 1024 * 1024, rule: 1_000, change: 64 * 1024 } as const;

/**
 * @param meta of the request
 * @returns the request as it was where nothing is told, or nothing of use: then it is the question of a server.
 */
export function askedByAgent(server: string, request: InputRequest, meta: Json | undefined): InputRequest {
  if (request.kind !== 'form' && request.kind !== 'url') return request;
  const told = isJsonObject(meta) ? meta[questionKey] : undefined;
  const chain = isJsonObject(told) ? chainBelow(server, told['chain']) : undefined;
  if (!isJsonObject(told) || chain === undefined) return request;
  const words = textIn(told, 'words', most.words);
  const asker: Asker = { chain, ...(words !== undefined && { words }) };
  if (request.kind === 'url') return { ...request, ...asker };
  const approval = isJsonObject(told['approval']) ? approvalIn(server, chain, told['approval']) : undefined;
  return {
    ...request,
    ...asker,
    ...(told['mustDecide'] === true && { mustDecide: true }),
    ...(approval !== undefined && { approval }),
  };
}

/** By which its Deputy knows the question; the same however often, and on whatever connection, it is put. */
export function questionId(meta: Json | undefined): string | undefined {
  const told = isJsonObject(meta) ? meta[questionKey] : undefined;
  const id = isJsonObject(told) ? told['id'] : undefined;
  return typeof id === 'string' && id !== '' ? id : undefined;
}

function approvalIn(server: string, chain: readonly string[], told: JsonObject): Approval | undefined {
  const { hash, bytes } = told;
  const effect = effects.find((each) => each === told['effect']);
  const [tool, rule] = [textIn(told, 'tool', most.tool), textIn(told, 'rule', most.rule)];
  const change = textIn(told, 'change', most.change);
  if (typeof hash !== 'string' || hash.length > most.hash || !isArguments(bytes)) return undefined;
  if (effect === undefined || tool === undefined || rule === undefined) return undefined;
  return {
    hash: sha256(`${server}\n${hash}`),
    chain,
    tool,
    bytes,
    effect,
    rule,
    ...(change !== undefined && { change }),
  };
}

const effects: readonly EffectClass[] = ['read', 'idempotent', 'keyed', 'unsafe'];

/** The exact text, or none: what is shown is what will be called. */
function isArguments(bytes: Json | undefined): bytes is string {
  if (typeof bytes !== 'string' || bytes.length > most.bytes) return false;
  try {
    JSON.parse(bytes);
    return true;
  } catch {
    return false;
  }
}

function textIn(told: JsonObject, name: string, max: number): string | undefined {
  const value = told[name];
  return typeof value === 'string' ? capped(withoutInvisible(value.slice(0, 4 * max)), max) : undefined;
}
