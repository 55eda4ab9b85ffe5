/** OAuth as the referee's servers want it: whoever is asked to authorize says yes at once, without a browser. */
import {
  auth,
  computeScopeUnion,
  DpopSession,
  extractWWWAuthenticateParams,
  isStrictScopeSuperset,
  UnauthorizedError,
  type FetchLike,
  type OAuthClientInformationFull,
  type OAuthClientMetadata,
  type OAuthClientProvider,
  type OAuthDiscoveryState,
  type OAuthTokens,
} from '@modelcontextprotocol/client';

/** Kept as the SDK gives it: it marks by itself whose credentials they are (SEP-2352). */
export class RefereeOAuth implements OAuthClientProvider {
  /** Undefined for one that nobody is sent back to. */
  readonly redirectUrl: string | undefined = 'http://localhost:3000/callback';
  /** Where the referee looks for a client's metadata document. */
  readonly clientMetadataUrl = 'https://conformance-test.local/client-metadata.json';
  /** What came back with the last redirect (RFC 9207: with the issuer). */
  granted: { code: string; iss?: string } | undefined;
  #client: OAuthClientInformationFull | undefined;
  #tokens: OAuthTokens | undefined;
  #verifier = '';
  #discovery: OAuthDiscoveryState | undefined;

  get clientMetadata(): OAuthClientMetadata {
    return {
      client_name: 'deputy-conformance-client',
      redirect_uris: this.redirectUrl === undefined ? [] : [this.redirectUrl],
    };
  }

  clientInformation(): OAuthClientInformationFull | undefined {
    return this.#client;
  }

  saveClientInformation(client: OAuthClientInformationFull): void {
    this.#client = client;
  }

  tokens(): OAuthTokens | undefined {
    return this.#tokens;
  }

  saveTokens(tokens: OAuthTokens): void {
    this.#tokens = tokens;
  }

  codeVerifier(): string {
    return this.#verifier;
  }

  saveCodeVerifier(verifier: string): void {
    this.#verifier = verifier;
  }

  discoveryState(): OAuthDiscoveryState | undefined {
    return this.#discovery;
  }

  saveDiscoveryState(state: OAuthDiscoveryState): void {
    this.#discovery = state;
  }

  invalidateCredentials(scope: 'all' | 'client' | 'tokens' | 'verifier' | 'discovery'): void {
    const isMeant = (one: typeof scope): boolean => scope === 'all' || scope === one;
    if (isMeant('client')) this.#client = undefined;
    if (isMeant('tokens')) this.#tokens = undefined;
    if (isMeant('verifier')) this.#verifier = '';
    if (isMeant('discovery')) this.#discovery = undefined;
  }

  async redirectToAuthorization(url: URL): Promise<void> {
    const { headers } = await fetch(url, { redirect: 'manual' });
    const back = new URL(headers.get('location') ?? 'error:');
    const [code, iss] = [back.searchParams.get('code'), back.searchParams.get('iss')];
    if (code === null) throw new Error(`no code came back from ${url.href}`);
    this.granted = { code, ...(iss !== null && { iss }) };
  }
}

/** Its tokens are bound to a key, which it shows with each request (SEP-1932). */
export class DpopOAuth extends RefereeOAuth {
  readonly #session = DpopSession.create();

  dpop(): Promise<DpopSession> {
    return this.#session;
  }
}

/** A workload that was given a token of its own platform, and gets one for the server with it (SEP-1933). */
export class WorkloadOAuth extends RefereeOAuth {
  /** Nobody has to say yes. */
  override readonly redirectUrl = undefined;
  readonly #assertion: string;

  constructor(clientId: string, assertion: string) {
    super();
    this.#assertion = assertion;
    this.saveClientInformation({ client_id: clientId, redirect_uris: [] });
  }

  override get clientMetadata(): OAuthClientMetadata {
    return { ...super.clientMetadata, redirect_uris: [], grant_types: [jwtBearer], token_endpoint_auth_method: 'none' };
  }

  prepareTokenRequest(scope?: string): URLSearchParams {
    return new URLSearchParams({
      grant_type: jwtBearer,
      assertion: this.#assertion,
      ...(scope !== undefined && { scope }),
    });
  }
}

const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

/** Sends the token along, and asks for another, once, where a server wants one. */
export function authorizedFetch(oauth: RefereeOAuth, serverUrl: string): FetchLike {
  return async (input, init) => {
    const ask = (): Promise<Response> => {
      const headers = new Headers(init?.headers);
      const token = oauth.tokens()?.access_token;
      if (token !== undefined) headers.set('authorization', `Bearer ${token}`);
      return fetch(input, { ...init, headers });
    };
    const isRefused = ({ status }: Response): boolean => status === 401 || status === 403;
    const first = await ask();
    if (!isRefused(first)) return first;
    await authorize(oauth, serverUrl, first);
    const second = await ask();
    if (isRefused(second)) throw new UnauthorizedError(`still refused with HTTP ${second.status}`);
    return second;
  };
}

async function authorize(oauth: RefereeOAuth, serverUrl: string, refused: Response): Promise<void> {
  const { resourceMetadataUrl, scope: wanted } = extractWWWAuthenticateParams(refused);
  const had = oauth.tokens()?.scope;
  // A step up keeps what was granted before (SEP-2350).
  const scope = refused.status === 403 ? computeScopeUnion(had, wanted) : wanted;
  // A token that is refused may be one of a former authorization server: who is asked now is looked up again (SEP-2352).
  if (refused.status === 401) oauth.invalidateCredentials('discovery');
  const options = {
    serverUrl,
    fetchFn: fetch,
    ...(resourceMetadataUrl && { resourceMetadataUrl }),
    ...(scope !== undefined && { scope }),
  };
  // A refresh cannot widen a scope (RFC 6749, section 6).
  const forceReauthorization = isStrictScopeSuperset(scope, had);
  const result = await auth(oauth, { ...options, forceReauthorization });
  if (result !== 'REDIRECT') return;
  const { code, iss } = oauth.granted ?? { code: '' };
  await auth(oauth, { ...options, authorizationCode: code, ...(iss !== undefined && { iss }) });
}
