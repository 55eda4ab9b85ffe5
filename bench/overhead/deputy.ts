/** Deputy as its users run it: `deputy serve --http`, called through MCP by the bench, whose own CPU does not count. */
import { fileURLToPath } from 'node:url';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { type Child, startChild } from './child.ts';
import type { Running, Servers } from './contestant.ts';
import { question } from './script.ts';
import { sideBySide } from './side-by-side.ts';

const main = new URL('../../src/cli/main.ts', import.meta.url);
const config = fileURLToPath(new URL('./agents.yaml', import.meta.url));
const runTimeoutMs = 600_000;

export async function startDeputy({ model, echo }: Servers): Promise<Running> {
  const process = startChild('Deputy', main, ['--config', config, 'serve', '--http', '127.0.0.1:0'], {
    BENCH_MODEL_URL: model,
    BENCH_ECHO_URL: echo,
  });
  const url = await addressOf(process);
  const client = new Client({ name: 'bench', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } });
  await client.connect(new StreamableHTTPClientTransport(new URL(url)));

  const ask = async (run: number): Promise<string> => {
    const { content } = await client.callTool(
      { name: 'bench', arguments: { message: question(run) } },
      { timeout: runTimeoutMs },
    );
    return content.map((block) => (block.type === 'text' ? block.text : '')).join('');
  };

  return {
    process,
    answers: ({ first, count, atOnce }) => sideBySide(count, atOnce, (index) => ask(first + index)),
    async stop() {
      await client.close();
      await process.stop();
    },
  };
}

/** Where it says that it serves. */
export async function addressOf(process: Child): Promise<string> {
  const url = Promise.withResolvers<string>();
  let said = '';
  process.onStderr((text) => {
    said += text;
    const address = /Serving .* at (http:\S+)/.exec(said)?.[1];
    if (address !== undefined) url.resolve(address);
  });
  // It tells nothing over IPC: this rejects when it dies, and otherwise never settles.
  return Promise.race([url.promise, process.ready.then(() => url.promise)]);
}
