/** An MCP server in a few lines: starts in no time, has one tool that answers and one that fails. */
export const serverScript = `
import { createInterface } from 'node:readline';
const say = (id, answer) => console.log(JSON.stringify({ jsonrpc: '2.0', id, ...answer }));
const tools = [
  { name: 'echo', description: 'Says it again.', inputSchema: { type: 'object', properties: { message: { type: 'string' } }, required: ['message'] } },
  { name: 'fail', description: 'Fails.', inputSchema: { type: 'object' } },
];
const called = ({ name, arguments: args }) =>
  name === 'echo'
    ? { content: [{ type: 'text', text: 'Echo: ' + args.message }] }
    : { content: [{ type: 'text', text: 'It failed.' }], isError: true };
createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) return;
  if (method === 'initialize')
    say(id, { result: { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'tiny', version: '1' } } });
  else if (method === 'tools/list') say(id, { result: { tools } });
  else if (method === 'tools/call') say(id, { result: called(params) });
  else say(id, { error: { code: -32601, message: 'no such method' } });
});
`;
