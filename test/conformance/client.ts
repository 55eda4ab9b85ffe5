/**
 * What the conformance referee drives in the client role: `node client.ts URL`, with the scenario's name, the revision
 * and whatever the scenario gives in the environment. What Deputy does itself is done by its own room; what it does not
 * do yet (people's answers, OAuth) by the SDK client that it is built on.
 */
import { useOurClient } from './client-ours.ts';
import { useSdkClient } from './client-sdk.ts';

const scenario = process.env['MCP_CONFORMANCE_SCENARIO'] ?? '';
const [url] = process.argv.slice(2);
if (scenario === '' || url === undefined) throw new Error('use: MCP_CONFORMANCE_SCENARIO=NAME node client.ts URL');

/** What the scenario tells its client. */
const context = JSON.parse(process.env['MCP_CONFORMANCE_CONTEXT'] ?? '{}') as Record<string, unknown>;

// The referee's servers end a kept connection after 5 s, however long this process waits for its turn between requests.
const kept = globalThis.fetch;
globalThis.fetch = (input, init) => {
  const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined));
  headers.set('connection', 'close');
  return kept(input, { ...init, headers });
};

if (!(await useOurClient(scenario, url, context))) await useSdkClient(scenario, url, context);
