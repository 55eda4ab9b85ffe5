/** Vercel's AI SDK 7. */
import { createMCPClient } from '@ai-sdk/mcp';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateText, isStepCount } from 'ai';
import { instructions, modelName } from '../overhead/script.ts';

/** @type {import('../overhead/contestant.ts').Connect} */
export const connect = async ({ model, echo }) => {
  const provider = createOpenAICompatible({ name: 'bench', baseURL: model, apiKey: 'dummy' });
  const client = await createMCPClient({ transport: { type: 'http', url: echo } });
  const tools = await client.tools();
  return async (question) => {
    const { text } = await generateText({
      model: provider(modelName),
      instructions,
      prompt: question,
      tools,
      stopWhen: isStepCount(20),
      maxRetries: 0,
    });
    return text;
  };
};
