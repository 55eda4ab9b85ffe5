/** One server for both transports and eras, on the official v2 SDK. Run directly, it serves stdio. */
import { fromJsonSchema, inputRequired, McpServer, type StandardSchemaWithJSON } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import type { JsonObject } from '../../src/json.ts';

export interface FixtureNotes {
  /** Names of tools in the order of their calls. */
  calls: string[];
  aborted: number;
  /** Present once `grow` was called. */
  hasGrown: boolean;
  onChanged: () => void;
}

export const newNotes = (): FixtureNotes => ({ calls: [], aborted: 0, hasGrown: false, onChanged: () => {} });

const schema = (value: JsonObject): StandardSchemaWithJSON<JsonObject, JsonObject> => fromJsonSchema<JsonObject>(value);
const object = (properties: JsonObject = {}): StandardSchemaWithJSON<JsonObject, JsonObject> =>
  schema({ type: 'object', properties });

export function fixtureServer(notes: FixtureNotes): McpServer {
  const server = new McpServer({ name: 'fixture', version: '1' }, { capabilities: { tools: { listChanged: true } } });
  const said = (text: string) => ({ content: [{ type: 'text' as const, text }] });
  server.registerTool('echo', { inputSchema: object({ value: { type: 'string' } }) }, async ({ value }) => {
    notes.calls.push('echo');
    return said(JSON.stringify(value));
  });
  server.registerTool('meta', { inputSchema: object() }, async (_args, { mcpReq }) =>
    said(JSON.stringify(mcpReq._meta)),
  );
  server.registerTool('slow', { inputSchema: object() }, async (_args, { mcpReq }) => {
    notes.calls.push('slow');
    await new Promise((resolve) => mcpReq.signal.addEventListener('abort', resolve, { once: true }));
    notes.aborted += 1;
    return said('aborted');
  });
  server.registerTool('steps', { inputSchema: object() }, async (_args, { mcpReq }) => {
    const token = mcpReq._meta?.progressToken;
    if (token === undefined) return said('no token');
    for (let progress = 1; progress <= 3; progress += 1) {
      await mcpReq.notify({
        method: 'notifications/progress',
        params: { progressToken: token, progress, total: 3, message: `step ${progress}` },
      });
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return said('three steps');
  });
  server.registerTool('asks', { inputSchema: object() }, async () =>
    inputRequired({
      inputRequests: {
        name: inputRequired.elicit({ message: 'Who are you?', requestedSchema: { type: 'object', properties: {} } }),
      },
    }),
  );
  server.registerTool(
    'typed',
    {
      inputSchema: object(),
      outputSchema: schema({ type: 'object', properties: { n: { type: 'number' } }, required: ['n'] }),
    },
    async () => ({ content: [], structuredContent: { n: 7 } }),
  );
  server.registerTool(
    'mirrored',
    { inputSchema: object({ region: { type: 'string', 'x-mcp-header': 'Region' } }) },
    async ({ region }) => said(`region ${JSON.stringify(region)}`),
  );
  server.registerTool('grow', { inputSchema: object() }, async () => {
    notes.hasGrown = true;
    notes.onChanged();
    server.sendToolListChanged();
    return said('grown');
  });
  if (notes.hasGrown) server.registerTool('grown', { inputSchema: object() }, async () => said('new'));
  server.registerResource('readme', 'test://readme', { description: 'What to read first' }, async (uri) => ({
    contents: [{ uri: uri.href, mimeType: 'text/plain', text: 'read me' }],
  }));
  server.registerPrompt('greet', { argsSchema: object({ who: { type: 'string' } }) }, async ({ who }) => ({
    messages: [{ role: 'user', content: { type: 'text', text: `Greet ${JSON.stringify(who)}.` } }],
  }));
  return server;
}

if (import.meta.main) {
  const notes = newNotes();
  serveStdio(() => {
    const server = fixtureServer(notes);
    notes.onChanged = () =>
      server.registerTool('grown', { inputSchema: object() }, async () => ({
        content: [{ type: 'text', text: 'new' }],
      }));
    return server;
  });
}
