/** LangChain's agent on LangGraph. */
import { MultiServerMCPClient } from '@langchain/mcp-adapters';
import { ChatOpenAI } from '@langchain/openai';
import { createAgent } from 'langchain';
import { instructions, modelName } from '../overhead/script.ts';

/** @type {import('../overhead/contestant.ts').Connect} */
export const connect = async ({ model, echo }) => {
  const servers = new MultiServerMCPClient({ mcpServers: { echo: { transport: 'http', url: echo } } });
  const agent = createAgent({
    model: new ChatOpenAI({ model: modelName, apiKey: 'dummy', configuration: { baseURL: model }, maxRetries: 0 }),
    tools: await servers.getTools(),
    systemPrompt: instructions,
  });
  return async (question) => {
    const { messages } = await agent.invoke(
      { messages: [{ role: 'user', content: question }] },
      { recursionLimit: 50 },
    );
    return messages.at(-1)?.text ?? '';
  };
};
