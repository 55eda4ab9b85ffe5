/** A stdio server whose effects can be counted: `pay` (unsafe) writes a line, and, told `hang`, does not answer the first time. */
export const hands = `
import { appendFileSync, existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
const say = (id, result) => console.log(JSON.stringify({ jsonrpc: '2.0', id, result }));
const tool = { name: 'pay', inputSchema: { type: 'object', properties: { to: { type: 'string' } }, required: ['to'] } };
createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line);
  if (method === 'initialize') say(id, { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'hands', version: '1' } });
  else if (method === 'tools/list') say(id, { tools: [tool] });
  else if (method === 'tools/call') {
    const isFirst = !existsSync('effects.txt');
    appendFileSync('effects.txt', params.arguments.to + '\\n');
    if (params.arguments.to !== 'hang' || !isFirst) say(id, { content: [{ type: 'text', text: 'paid ' + params.arguments.to }] });
  } else if (id !== undefined) console.log(JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32601, message: 'no' } }));
});
`;
