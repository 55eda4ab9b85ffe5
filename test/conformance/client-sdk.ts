/** Scenarios about what Deputy leaves to others for now: people who answer, and OAuth. */
import {
  Client,
  ClientCredentialsProvider,
  CrossAppAccessProvider,
  PrivateKeyJwtProvider,
  requestJwtAuthorizationGrant,
  StreamableHTTPClientTransport,
  UnauthorizedError,
  type ClientCapabilities,
  type OAuthClientProvider,
} from '@modelcontextprotocol/client';
import { discoverHere } from './client-discover.ts';
import { authorizedFetch, DpopOAuth, RefereeOAuth, WorkloadOAuth } from './client-oauth.ts';

/** The referee starts all its clients at once: on a small machine each waits long for its turn. */
const patient = { timeout: 300_000 };

type Context = Record<string, unknown>;
type Scenario = (url: string, context: Context) => Promise<void>;

const scenarios: Record<string, Scenario> = {
  'elicitation-sep1034-client-defaults': async (url) => {
    const client = newClient({ elicitation: { form: { applyDefaults: true } } });
    client.setRequestHandler('elicitation/create', () => ({ action: 'accept', content: {} }));
    await client.connect(new StreamableHTTPClientTransport(new URL(url)), patient);
    await client.listTools(undefined, patient);
    await client.callTool({ name: 'test_client_elicitation_defaults', arguments: {} }, patient);
    await client.close();
  },
  'sep-2322-client-request-state': async (url) => {
    discoverHere({ tools: {} });
    const client = newClient({ elicitation: {} });
    client.setRequestHandler('elicitation/create', () => ({ action: 'accept', content: { confirmed: true } }));
    await client.connect(new StreamableHTTPClientTransport(new URL(url)), patient);
    await client.listTools(undefined, patient);
    for (const name of ['test_mrtr_echo_state', 'test_mrtr_no_state', 'test_mrtr_unrelated'])
      await client.callTool({ name, arguments: {} }, patient);
    // The SDK refuses a result without its type; what counts is that it does not ask again.
    await client.callTool({ name: 'test_mrtr_no_result_type', arguments: {} }, patient).catch(() => {});
    await client.close();
  },
  'auth/pre-registration': (url, { client_id, client_secret }) => {
    const oauth = new RefereeOAuth();
    oauth.saveClientInformation({
      client_id: String(client_id),
      client_secret: String(client_secret),
      redirect_uris: oauth.clientMetadata.redirect_uris,
    });
    return callAuthorized(url, oauth);
  },
  'auth/client-credentials-basic': (url, { client_id, client_secret }) =>
    listWith(url, new ClientCredentialsProvider({ clientId: String(client_id), clientSecret: String(client_secret) })),
  'auth/client-credentials-jwt': (url, { client_id, private_key_pem, signing_algorithm }) =>
    listWith(
      url,
      new PrivateKeyJwtProvider({
        clientId: String(client_id),
        privateKey: String(private_key_pem),
        algorithm: typeof signing_algorithm === 'string' ? signing_algorithm : 'ES256',
      }),
    ),
  'auth/dpop': (url) => callBound(url),
  'auth/dpop-nonce': (url) => callBound(url),
  'auth/wif-jwt-bearer': (url, { client_id, valid_jwt }) =>
    listWith(url, new WorkloadOAuth(String(client_id), String(valid_jwt))),
  'auth/enterprise-managed-authorization': (url, context) => {
    const given = (key: string): string => String(context[key]);
    const assertion = async ({ authorizationServerUrl, resourceUrl, fetchFn }: GrantContext): Promise<string> => {
      const { jwtAuthGrant } = await requestJwtAuthorizationGrant({
        tokenEndpoint: given('idp_token_endpoint'),
        audience: authorizationServerUrl,
        resource: resourceUrl,
        idToken: given('idp_id_token'),
        clientId: given('idp_client_id'),
        fetchFn,
      });
      return jwtAuthGrant;
    };
    const [clientId, clientSecret] = [given('client_id'), given('client_secret')];
    return listWith(url, new CrossAppAccessProvider({ clientId, clientSecret, assertion }));
  },
};

type GrantContext = Parameters<ConstructorParameters<typeof CrossAppAccessProvider>[0]['assertion']>[0];

/** @throws Error where the scenario is not known, or its server wants what the client may not do */
export async function useSdkClient(scenario: string, url: string, context: Context): Promise<void> {
  const run = Object.hasOwn(scenarios, scenario) ? scenarios[scenario] : undefined;
  if (run !== undefined) await run(url, context);
  else if (scenario.startsWith('auth/')) await callAuthorized(url, new RefereeOAuth());
  else throw new Error(`no client for the scenario ${scenario}`);
}

const newClient = (capabilities: ClientCapabilities = {}): Client =>
  new Client(
    { name: 'deputy-conformance-client', version: '1.0.0' },
    { capabilities, versionNegotiation: { mode: 'auto' } },
  );

async function callAuthorized(url: string, oauth: RefereeOAuth): Promise<void> {
  const client = newClient();
  await client.connect(
    new StreamableHTTPClientTransport(new URL(url), { fetch: authorizedFetch(oauth, url) }),
    patient,
  );
  await client.listTools(undefined, patient);
  await client.callTool({ name: 'test-tool', arguments: {} }, patient);
  await client.close();
}

async function listWith(url: string, authProvider: OAuthClientProvider): Promise<void> {
  const client = newClient();
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { authProvider }), patient);
  await client.listTools(undefined, patient);
  await client.close();
}

/** Tokens that are bound to a key are shown by the transport itself. */
async function callBound(url: string): Promise<void> {
  const oauth = new DpopOAuth();
  const transport = new StreamableHTTPClientTransport(new URL(url), { authProvider: oauth });
  await newClient()
    .connect(transport, patient)
    .catch((error: unknown) => {
      if (!(error instanceof UnauthorizedError)) throw error;
    });
  await transport.finishAuth(oauth.granted?.code ?? '', oauth.granted?.iss);
  const client = newClient();
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { authProvider: oauth }), patient);
  await client.listTools(undefined, patient);
  await client.callTool({ name: 'test-tool', arguments: {} }, patient);
  await client.close();
}
