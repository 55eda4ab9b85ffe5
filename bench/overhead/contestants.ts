/** Who runs: each in a process of its own, on the same two servers. */
import { startChild } from './child.ts';
import type { Contestant } from './contestant.ts';
import { startDeputy } from './deputy.ts';

export const bareLoop = 'bare loop';
export const sameLibraries = 'same libraries';

export const contestants: readonly Contestant[] = [
  inProcess(bareLoop, new URL('./floors/bare-loop.ts', import.meta.url)),
  inProcess(sameLibraries, new URL('./floors/same-libraries.ts', import.meta.url)),
  { name: 'Deputy', start: startDeputy },
];

export const peers: readonly Contestant[] = [
  inProcess('AI SDK 7', new URL('../peers/ai-sdk.mjs', import.meta.url)),
  inProcess('OpenAI Agents', new URL('../peers/openai-agents.mjs', import.meta.url)),
  inProcess('LangGraph', new URL('../peers/langgraph.mjs', import.meta.url)),
  inProcess('Mastra', new URL('../peers/mastra.mjs', import.meta.url)),
];

function inProcess(name: string, module: URL): Contestant {
  return {
    name,
    async start({ model, echo }) {
      const child = startChild(name, new URL('./in-process.ts', import.meta.url), [module.href, model, echo]);
      await child.ready;
      return {
        process: child,
        answers: async (runs) => (await child.ask('runs', runs)) as string[],
        stop: () => child.stop(),
      };
    },
  };
}
