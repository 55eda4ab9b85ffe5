/**
 * A model for hosts: told `CALL <tool> {json}` it calls that tool, and then says what came back. Anthropic's wire is
 * aimock's; Codex puts MCP tools into namespaces, which aimock does not know, so its wire is written here.
 */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { LLMock } from '@copilotkit/aimock';

export interface Endpoint {
  /** For `ANTHROPIC_BASE_URL`. */
  anthropic: string;
  /** For `base_url` of a Codex provider. */
  responses: string;
  close(): Promise<void>;
}

const order = /CALL (\S+) (\{[\s\S]*\})/;

export async function startEndpoint(): Promise<Endpoint> {
  const anthropic = new LLMock({ port: 0 });
  type Asked = Parameters<NonNullable<Parameters<typeof anthropic.on>[0]['predicate']>>[0];
  const textOf = (message: Asked['messages'][number] | undefined): string => {
    const { content } = message ?? {};
    if (typeof content === 'string') return content;
    return (content ?? []).map((part) => ('text' in part && typeof part.text === 'string' ? part.text : '')).join('');
  };
  const orderIn = ({ messages }: Asked) =>
    messages.findLastIndex((message) => message.role === 'user' && order.test(textOf(message)));
  const resultAfter = (asked: Asked) => asked.messages.slice(orderIn(asked)).findLast(({ role }) => role === 'tool');
  anthropic.on({ predicate: (asked) => orderIn(asked) >= 0 && resultAfter(asked) === undefined }, (asked) => {
    const [, name = '', args = '{}'] = order.exec(textOf(asked.messages[orderIn(asked)])) ?? [];
    return { toolCalls: [{ name, arguments: args }] };
  });
  anthropic.on({ predicate: (asked) => orderIn(asked) >= 0 }, (asked) => ({
    content: `RESULT ${textOf(resultAfter(asked))}`,
  }));
  anthropic.on({ predicate: () => true }, () => ({ content: 'Nothing to do.' }));
  await anthropic.start();

  const responses = createServer((request, response) => {
    void (async () => {
      let body = '';
      for await (const chunk of request) body += String(chunk);
      answer(body, response);
    })();
  });
  responses.listen(0, '127.0.0.1');
  await once(responses, 'listening');
  return {
    anthropic: anthropic.url,
    responses: `http://127.0.0.1:${(responses.address() as AddressInfo).port}/v1`,
    async close() {
      await anthropic.stop();
      responses.closeAllConnections();
      responses.close();
    },
  };
}

interface Item {
  type: string;
  role?: string;
  content?: { text?: string }[];
  output?: unknown;
}

/** One reply of the Responses API, as a stream: a namespaced call, or a message. */
function answer(body: string, response: ServerResponse): void {
  const { input = [] } = (body === '' ? {} : JSON.parse(body)) as { input?: Item[] };
  const textOf = ({ content }: Item): string => (content ?? []).map(({ text }) => text ?? '').join('');
  const ordered = input.findLastIndex((item) => item.role === 'user' && order.test(textOf(item)));
  const result = input.slice(Math.max(0, ordered)).findLast(({ type }) => type === 'function_call_output');
  const [, tool = '', args = '{}'] = order.exec(ordered < 0 ? '' : textOf(input[ordered] ?? { type: '' })) ?? [];
  const [, namespace = '', name = tool] = /^(mcp__[^_]+(?:_[^_]+)*)__(.+)$/.exec(tool) ?? [];
  const said = typeof result?.output === 'string' ? result.output : JSON.stringify(result?.output ?? null);
  const item =
    ordered >= 0 && result === undefined
      ? { type: 'function_call', id: 'fc_1', call_id: 'call_1', namespace, name, arguments: args }
      : {
          type: 'message',
          id: 'msg_1',
          role: 'assistant',
          content: [{ type: 'output_text', text: `RESULT ${said}`, annotations: [] }],
        };
  const usage = { input_tokens: 1, output_tokens: 1, total_tokens: 2 };
  const events = [
    { type: 'response.created', response: { id: 'resp_1' } },
    { type: 'response.output_item.done', output_index: 0, item },
    { type: 'response.completed', response: { id: 'resp_1', output: [item], usage } },
  ];
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const event of events) response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
  response.end();
}
