/** The owner that a signed token stands for: `issuer#subject`. What it must be is decided by the configuration alone. */
import { createRemoteJWKSet, customFetch, errors, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { isJsonObject } from '../json.ts';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Admission } from './auth-admission.ts';
import { fetchJson, webAddress } from './auth-fetch.ts';

/** Signatures by key pairs only: with a shared secret, or none, whoever knows the public key could sign. */
const algorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];
const clockToleranceSeconds = 5;
/** After a failure the issuer is left alone this long, whoever asks. */
const restMs = 5_000;

export interface TokenRules {
  issuer: string;
  audience: string;
  scope?: string;
}

export function jwtOwner({ issuer, audience, scope }: TokenRules, log: Log): (token: string) => Promise<Admission> {
  const keysOf = rested(() => keysOfIssuer(issuer));
  return async (token) => {
    try {
      const keys = await keysOf();
      const { payload } = await jwtVerify(token, keys, {
        issuer,
        audience,
        algorithms,
        clockTolerance: clockToleranceSeconds,
        requiredClaims: ['sub', 'exp'],
      });
      if (payload.sub === undefined || payload.sub === '') return refused('The token names no subject');
      if (scope !== undefined && !scopesOf(payload['scope'] ?? payload['scp']).includes(scope)) {
        return { kind: 'refused', status: 403, error: 'insufficient_scope', message: `The token lacks "${scope}"` };
      }
      return { kind: 'admitted', owner: `${issuer}#${payload.sub}` };
    } catch (error) {
      if (isFaultOfToken(error)) return refused(faultOf(error));
      log.warn({ issuer, err: messageOf(error) }, 'the keys of serve.auth.issuer cannot be had');
      return { kind: 'unknowable', message: 'Tokens cannot be checked at the moment: try again later' };
    }
  };
}

const refused = (message: string): Admission => ({ kind: 'refused', status: 401, error: 'invalid_token', message });

/** A list (`scp` of some issuers) or one text (RFC 8693). */
const scopesOf = (claim: unknown): unknown[] =>
  Array.isArray(claim) ? claim : typeof claim === 'string' ? claim.split(' ') : [];

const isFaultOfToken = (error: unknown): error is errors.JOSEError =>
  error instanceof errors.JOSEError && !(error instanceof errors.JWKSTimeout) && !(error instanceof errors.JWKSInvalid);

/** Enough for who holds the token to mend it, and nothing of the token itself. */
function faultOf(error: errors.JOSEError): string {
  if (error instanceof errors.JWTExpired) return 'The token has expired';
  if (error instanceof errors.JWTClaimValidationFailed) return `The token's "${error.claim}" is not accepted here`;
  if (error instanceof errors.JOSEAlgNotAllowed) return "The token's algorithm is not accepted here";
  if (error instanceof errors.JWKSNoMatchingKey) return 'The token was signed with a key that its issuer does not have';
  return 'The token is not valid';
}

async function keysOfIssuer(issuer: string): Promise<JWTVerifyGetKey> {
  const url = webAddress(await jwksAddress(issuer));
  const load = rested(async () => fetchJson(url), 0);
  return createRemoteJWKSet(url, { [customFetch]: async () => Response.json(await load()) });
}

/** @throws Error neither of the two documents names the issuer and its keys. */
async function jwksAddress(issuer: string): Promise<string> {
  const { origin, pathname } = webAddress(issuer);
  const path = pathname.replace(/\/$/, '');
  const places = [
    `${origin}/.well-known/oauth-authorization-server${path}`,
    `${origin}${path}/.well-known/openid-configuration`,
  ];
  const faults: string[] = [];
  for (const place of places) {
    try {
      const metadata = await fetchJson(webAddress(place));
      // Or another issuer could lend its name to its own keys (RFC 8414, section 3.3).
      if (!isJsonObject(metadata) || metadata['issuer'] !== issuer) faults.push(`${place} is of another issuer`);
      else if (typeof metadata['jwks_uri'] === 'string') return metadata['jwks_uri'];
      else faults.push(`${place} has no jwks_uri`);
    } catch (error) {
      faults.push(`${place}: ${messageOf(error)}`);
    }
  }
  throw new Error(faults.join('; '));
}

/**
 * One attempt at a time, and none soon after one that failed.
 * @param keptMs how long what came is good for; default: for ever.
 */
function rested<T>(attempt: () => Promise<T>, keptMs = Number.POSITIVE_INFINITY): () => Promise<T> {
  let last: { value: Promise<T>; at: number; failed: boolean; settled: boolean } | undefined;
  return () => {
    const age = last === undefined ? 0 : Date.now() - last.at;
    if (last !== undefined && (!last.settled || age < (last.failed ? restMs : keptMs))) return last.value;
    const entry = { value: attempt(), at: Date.now(), failed: false, settled: false };
    last = entry;
    entry.value.then(
      () => Object.assign(entry, { settled: true, at: Date.now() }),
      () => Object.assign(entry, { settled: true, at: Date.now(), failed: true }),
    );
    return entry.value;
  };
}
