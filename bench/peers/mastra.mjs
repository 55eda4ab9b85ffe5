/** Mastra. */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { Agent } from '@mastra/core/agent';
import { MCPClient } from '@mastra/mcp';
import { instructions, modelName } from '../overhead/script.ts';

/** @type {import('../overhead/contestant.ts').Connect} */
export const connect = async ({ model, echo }) => {
  const provider = createOpenAICompatible({ name: 'bench', baseURL: model, apiKey: 'dummy' });
  const client = new MCPClient({ servers: { echo: { url: new URL(echo) } } });
  const agent = new Agent({
    id: 'bench',
    name: 'bench',
    instructions,
    model: provider(modelName),
    tools: await client.listTools(),
    maxRetries: 0,
  });
  return async (question) => {
    const { text } = await agent.generate(question, { maxSteps: 20 });
    return text;
  };
};
