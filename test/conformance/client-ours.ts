/** Scenarios that are about what `src/mcp-client` does: they run on it as it is, tools called as agents call them. */
import { SamplingRefused, type EffectTool, type ToolCallOptions } from '../../src/agent/tool.ts';
import { isJsonObject, type JsonObject } from '../../src/json.ts';
import { silentLog } from '../../src/log.ts';
import { type McpServers, openServers } from '../../src/mcp-client/open-servers.ts';
import { discoverHere } from './client-discover.ts';

const never = new AbortController().signal;
/** Of every call: nobody is there to be asked. */
const options: ToolCallOptions = {
  signal: never,
  owner: 'referee',
  callKey: 'referee',
  grant: { tool: 'referee', rule: 'conformance' },
  commit: Object.assign(async () => {}, { reference: async () => {} }),
  ask: async () => ({ action: 'decline' }),
  sample: async () => {
    throw new SamplingRefused('nobody thinks here');
  },
  onProgress: () => {},
};

type Scenario = (servers: McpServers, context: Record<string, unknown>) => Promise<void>;

const scenarios: Record<string, Scenario> = {
  initialize: async (servers) => void (await toolsOf(servers)),
  tools_call: (servers) => call(servers, 'add_numbers', { a: 5, b: 3 }),
  'request-metadata': async (servers) => void (await toolsOf(servers)),
  'sse-retry': (servers) => call(servers, 'test_reconnection', {}),
  'json-schema-ref-no-deref': async (servers) => {
    for (const tool of await toolsOf(servers)) tool.check({});
  },
  'json-schema-2020-12-preservation': async (servers) => {
    const tool = await toolOf(servers, 'json_schema_2020_12_tool');
    await call(servers, 'json_schema_echo', { schema: tool.inputSchema });
  },
  'http-standard-headers': async (servers) => {
    discoverHere({ tools: {}, resources: {}, prompts: {} });
    const { resources } = await servers.resources('referee', never);
    const prompts = await servers.prompts('referee', never);
    const [tool] = await toolsOf(servers);
    await tool?.call({}, options);
    await call(servers, 'read_resource', { uri: resources[0]?.['uri'] ?? '' });
    await call(servers, 'get_prompt', { name: prompts[0]?.['name'] ?? '' });
  },
  'http-custom-headers': async (servers, { toolCalls }) => {
    discoverHere({ tools: {} });
    for (const { name, arguments: args } of toolCalls as { name: string; arguments: JsonObject }[])
      await call(servers, name, args);
  },
  'http-invalid-tool-headers': async (servers) => {
    discoverHere({ tools: {} });
    for (const { id } of await toolsOf(servers))
      await call(servers, id.slice('referee/'.length), { region: 'us-west1' });
  },
};

/** The referee starts all its clients at once: on a small machine each waits long for its turn. */
const patient = { probe: 300_000, start: 300_000, list: 300_000 };

/** @returns false where the scenario is not one of these */
export async function useOurClient(scenario: string, url: string, context: Record<string, unknown>): Promise<boolean> {
  const run = Object.hasOwn(scenarios, scenario) ? scenarios[scenario] : undefined;
  if (run === undefined) return false;
  const entry = { name: 'referee', kind: 'http', url, headers: {}, trustsAnnotations: false } as const;
  const servers = openServers([{ ...entry, tools: [] }], { log: silentLog, version: '1.0.0', timings: patient });
  try {
    await run(servers, context);
  } finally {
    await servers.close();
  }
  return true;
}

const toolsOf = (servers: McpServers): Promise<readonly EffectTool[]> => servers.tools(['referee'], never);

async function toolOf(servers: McpServers, name: string): Promise<EffectTool> {
  const tools = await toolsOf(servers);
  const tool = tools.find(({ id }) => id === `referee/${name}`);
  if (tool === undefined) throw new Error(`no tool ${name} among ${tools.map(({ id }) => id).join(', ')}`);
  return tool;
}

async function call(servers: McpServers, name: string, args: unknown): Promise<void> {
  const tool = await toolOf(servers, name);
  if (!isJsonObject(args)) throw new TypeError('the arguments are no object');
  const outcome = await tool.call(args, options);
  process.stdout.write(`${name}: ${JSON.stringify(outcome)}\n`);
}
