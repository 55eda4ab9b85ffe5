/** The second floor: the same loop on the libraries that Deputy stands on, the OpenAI SDK and the v2 MCP client. */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import OpenAI from 'openai';
import type { Connect } from '../contestant.ts';
import { instructions, modelName } from '../script.ts';

type Message = OpenAI.ChatCompletionMessageParam;

export const connect: Connect = async ({ model, echo }) => {
  const openai = new OpenAI({ baseURL: model, apiKey: 'dummy', maxRetries: 0 });
  const client = new Client({ name: 'same-libraries', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } });
  await client.connect(new StreamableHTTPClientTransport(new URL(echo)));
  const tools = (await client.listTools()).tools.map(({ name, description, inputSchema }) => ({
    type: 'function' as const,
    function: { name, ...(description !== undefined && { description }), parameters: inputSchema },
  }));

  const call = async (toolCall: OpenAI.ChatCompletionMessageToolCall): Promise<Message> => {
    if (toolCall.type !== 'function') throw new Error(`The model asked for a ${toolCall.type}.`);
    const { name, arguments: args } = toolCall.function;
    const { content } = await client.callTool({ name, arguments: JSON.parse(args) as Record<string, unknown> });
    const text = content.map((block) => (block.type === 'text' ? block.text : '')).join('');
    return { role: 'tool', tool_call_id: toolCall.id, content: text };
  };

  return async (question) => {
    const messages: Message[] = [
      { role: 'system', content: instructions },
      { role: 'user', content: question },
    ];
    for (;;) {
      const { choices } = await openai.chat.completions.create({ model: modelName, messages, tools });
      const reply = choices[0]?.message;
      if (reply?.tool_calls === undefined) return reply?.content ?? '';
      messages.push(reply, ...(await Promise.all(reply.tool_calls.map(call))));
    }
  };
};
