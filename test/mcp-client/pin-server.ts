/** A server of 2025 on stdio whose list of tools stands in a file, read anew for each list. Run as `node pin-server.ts FILE`. */
import { readFileSync, watchFile } from 'node:fs';

const [file = ''] = process.argv.slice(2);
const send = (message: object): boolean => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
const tools = (): unknown => JSON.parse(readFileSync(file, 'utf8'));

let rest = '';
process.stdin.on('data', (chunk) => {
  const lines = (rest + String(chunk)).split('\n');
  rest = lines.pop() ?? '';
  for (const line of lines) {
    const { id, method, params } = JSON.parse(line) as { id?: number; method: string; params?: { name?: string } };
    if (method === 'initialize')
      send({
        id,
        result: {
          protocolVersion: '2025-11-25',
          capabilities: { tools: { listChanged: true } },
          serverInfo: { name: 'pins', version: '1' },
        },
      });
    else if (method === 'tools/list') send({ id, result: { tools: tools() } });
    else if (method === 'tools/call')
      send({ id, result: { content: [{ type: 'text', text: `called ${params?.name}` }] } });
    else if (id !== undefined) send({ id, error: { code: -32_601, message: 'Method not found' } });
  }
});
// Told by a line on stdin it would be simpler, but stdin is the protocol's.
watchFile(file, { interval: 20 }, () => send({ method: 'notifications/tools/list_changed' }));
