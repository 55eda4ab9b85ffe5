/**
 * The gate of the HTTP door: says whose request it is, or answers it. Without `serve.auth` everybody is the one local
 * owner, which the door allows on this machine only.
 *
 * RFC 6750 (how a token is sent and refused), RFC 9728 (where callers learn who gives out tokens), 2026-07-28,
 * authorization.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Log } from '../log.ts';
import { createAdmission, type AuthOptions } from './auth.ts';
import type { Admission } from './auth-admission.ts';
import { refuse } from './http-answer.ts';
import { unavailableCode } from './meta.ts';
import { localOwner } from './options.ts';

export interface Gate {
  /** The owner; undefined where the request was refused and has been answered. Takes the token off the request. */
  ownerOf(request: IncomingMessage, response: ServerResponse): Promise<string | undefined>;
  /** Answers what is asked about the gate itself. @returns whether it did. */
  describes(path: string, request: IncomingMessage, response: ServerResponse): boolean;
}

const wellKnown = '/.well-known/oauth-protected-resource';

export function createGate(auth: AuthOptions | undefined, log: Log): Gate {
  if (auth === undefined) return { ownerOf: async () => localOwner, describes: () => false };
  const admit = createAdmission(auth, log);
  const { issuer, scope } = auth;

  return {
    async ownerOf(request, response) {
      const admission = await admit(request.headers.authorization);
      withoutToken(request);
      if (admission.kind === 'admitted') return admission.owner;
      if (admission.kind === 'unknowable') {
        refuse(response, 503, unavailableCode, admission.message, undefined, 5);
      } else {
        response.setHeader('www-authenticate', challenge(admission, auth, request));
        refuse(response, admission.status, admission.status === 401 ? -32600 : -32003, admission.message);
      }
      return undefined;
    },

    describes(path, request, response) {
      if (issuer === undefined || (path !== wellKnown && path !== `${wellKnown}/mcp`)) return false;
      const metadata = {
        resource: resourceOf(auth, request),
        authorization_servers: [issuer],
        bearer_methods_supported: ['header'],
        ...(scope !== undefined && { scopes_supported: [scope] }),
        resource_name: 'Deputy',
      };
      response
        .writeHead(200, {
          'content-type': 'application/json',
          'cache-control': 'max-age=300',
          // Clients that run in a page read it too; it is no secret.
          'access-control-allow-origin': '*',
        })
        .end(JSON.stringify(metadata));
      return true;
    },
  };
}

function challenge(
  { error, message }: Extract<Admission, { kind: 'refused' }>,
  auth: AuthOptions,
  request: IncomingMessage,
): string {
  const resource = resourceOf(auth, request);
  const parameters = {
    ...(error !== undefined && { error, error_description: message.replaceAll(/["\\]/g, "'") }),
    ...(auth.scope !== undefined && { scope: auth.scope }),
    ...(auth.issuer !== undefined && { resource_metadata: `${new URL(resource).origin}${wellKnown}/mcp` }),
  };
  const listed = Object.entries(parameters).map(([name, value]) => `${name}="${value}"`);
  return `Bearer${listed.length === 0 ? '' : ` ${listed.join(', ')}`}`;
}

/** This server as its callers address it: the audience, where that is an address; else what this one used. */
function resourceOf({ audience = '' }: AuthOptions, { headers }: IncomingMessage): string {
  const url = URL.parse(audience);
  return url !== null && /^https?:$/.test(url.protocol) ? audience : `http://${headers.host ?? 'localhost'}/mcp`;
}

function withoutToken(request: IncomingMessage): void {
  delete request.headers.authorization;
  const { rawHeaders } = request;
  for (let index = rawHeaders.length - 2; index >= 0; index -= 2) {
    if (rawHeaders[index]?.toLowerCase() === 'authorization') rawHeaders.splice(index, 2);
  }
}
