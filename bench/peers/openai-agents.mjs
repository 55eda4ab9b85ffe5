/** OpenAI's Agents SDK. */
import {
  Agent,
  getAllMcpTools,
  MCPServerStreamableHttp,
  OpenAIChatCompletionsModel,
  Runner,
  setTracingDisabled,
} from '@openai/agents';
import OpenAI from 'openai';
import { instructions, modelName } from '../overhead/script.ts';

/** @type {import('../overhead/contestant.ts').Connect} */
export const connect = async ({ model, echo }) => {
  setTracingDisabled(true);
  const server = new MCPServerStreamableHttp({ url: echo, name: 'echo', cacheToolsList: true });
  await server.connect();
  const openai = new OpenAI({ baseURL: model, apiKey: 'dummy', maxRetries: 0 });
  const agent = new Agent({
    name: 'bench',
    instructions,
    model: new OpenAIChatCompletionsModel(openai, modelName),
    // Listed once, here: given `mcpServers`, runs that begin side by side fail with "tool listing became stale".
    tools: await getAllMcpTools([server]),
  });
  const runner = new Runner({ tracingDisabled: true });
  return async (question) => {
    const { finalOutput } = await runner.run(agent, question, { maxTurns: 20 });
    return finalOutput ?? '';
  };
};
