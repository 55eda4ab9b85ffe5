/**
 * Who a caller is, told from its `Authorization` header: the owner of everything that it starts.
 *
 * Invariants:
 *   - The token is looked at here and goes no further: nobody behind the door ever holds it.
 *   - A static key is compared in constant time, and with every key, so that time says nothing about any of them.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Log } from '../log.ts';
import type { Admission } from './auth-admission.ts';
import { jwtOwner } from './auth-jwt.ts';

export interface AuthOptions {
  /** Who signs the tokens: its keys are found by its metadata (RFC 8414, OpenID Connect Discovery). */
  issuer?: string;
  /** What the tokens must be for: this server, as callers address it (RFC 8707). Together with `issuer`. */
  audience?: string;
  /** What a token must allow; every token of the issuer where undefined. */
  scope?: string;
  /** Keys that stand for an owner. */
  keys: readonly { owner: string; key: string }[];
}

export function createAdmission(
  { issuer, audience, scope, keys }: AuthOptions,
  log: Log,
): (authorization: string | undefined) => Promise<Admission> {
  const known = keys.map(({ owner, key }) => ({ owner, digest: digestOf(key) }));
  const ownerOfToken =
    issuer === undefined || audience === undefined
      ? undefined
      : jwtOwner({ issuer, audience, ...(scope !== undefined && { scope }) }, log);

  return async (authorization) => {
    if (authorization === undefined) return { kind: 'refused', status: 401, message: 'Authorization is required' };
    const token = /^Bearer +([A-Za-z0-9\-._~+/]+=*) *$/i.exec(authorization)?.[1];
    if (token === undefined) return wrong('The Authorization header must be: Bearer TOKEN');
    const digest = digestOf(token);
    const [match] = known.filter((one) => timingSafeEqual(one.digest, digest));
    if (match !== undefined) return { kind: 'admitted', owner: match.owner };
    return ownerOfToken === undefined ? wrong('The key is not known') : ownerOfToken(token);
  };
}

const wrong = (message: string): Admission => ({ kind: 'refused', status: 401, error: 'invalid_token', message });

const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest();
