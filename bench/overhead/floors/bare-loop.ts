/** The first floor: `fetch`, the v1 MCP client, `Promise.all`. It checks nothing and stores nothing. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Connect } from '../contestant.ts';
import { instructions, modelName } from '../script.ts';

type ToolCall = { id: string; function: { name: string; arguments: string } };
type Message =
  | { role: 'system' | 'user'; content: string }
  | { role: 'assistant'; content: string | null; tool_calls?: ToolCall[] }
  | { role: 'tool'; tool_call_id: string; content: string };

export const connect: Connect = async ({ model, echo }) => {
  const client = new Client({ name: 'bare-loop', version: '1.0.0' });
  await client.connect(new StreamableHTTPClientTransport(new URL(echo)));
  const tools = (await client.listTools()).tools.map(({ name, description, inputSchema }) => ({
    type: 'function',
    function: { name, description, parameters: inputSchema },
  }));

  const ask = async (messages: Message[]): Promise<Message & { role: 'assistant' }> => {
    const response = await fetch(`${model}/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer dummy' },
      body: JSON.stringify({ model: modelName, messages, tools }),
    });
    const { choices } = (await response.json()) as { choices: [{ message: Message & { role: 'assistant' } }] };
    return choices[0].message;
  };

  const call = async ({ id, function: { name, arguments: args } }: ToolCall): Promise<Message> => {
    const { content } = await client.callTool({ name, arguments: JSON.parse(args) as Record<string, unknown> });
    const text = (content as { type: string; text?: string }[]).map((block) => block.text ?? '').join('');
    return { role: 'tool', tool_call_id: id, content: text };
  };

  return async (question) => {
    const messages: Message[] = [
      { role: 'system', content: instructions },
      { role: 'user', content: question },
    ];
    for (;;) {
      const reply = await ask(messages);
      if (reply.tool_calls === undefined) return reply.content ?? '';
      messages.push(reply, ...(await Promise.all(reply.tool_calls.map(call))));
    }
  };
};
