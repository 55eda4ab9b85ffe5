/**
 * A server that an agent uses wants a model to think for it: the agent's own model does, within the agent's budget
 * (2025-11-25 and 2026-07-28, `sampling/createMessage`, with the tools of SEP-1577). The server's conversation is its
 * own: nothing of the agent's is shown to it, whatever `includeContext` says.
 */
import { isJsonObject, type JsonObject } from '../json.ts';
import type { TaskContext } from '../task/engine.ts';
import { addUsage, type Usage } from '../task/usage.ts';
import { limitReached, tokensOf, workTime } from './limits.ts';
import { ModelError, type ModelReply } from './model.ts';
import type { Run } from './run.ts';
import { longestReply, messagesFrom, namesOf, toolsFrom, wordOf } from './sampling-request.ts';
import { resultOf, stopSequencesIn } from './sampling-result.ts';
import { SamplingRefused } from './tool.ts';

/**
 * For use inside the step of the call in which the server asks.
 * @param params checked against the specification's shape, but for what holds between its messages.
 * @returns the result of `sampling/createMessage`, and what it used, which is to be added to the call's outcome.
 * @throws SamplingRefused with the reason for the server; the signal's reason.
 */
export async function sampled(
  { run, branch }: { run: Run; branch: TaskContext },
  params: JsonObject,
  signal: AbortSignal,
): Promise<{ result: JsonObject; usage: Usage }> {
  const { agent, budget, spent } = run;
  const usage = addUsage(spent.usage, run.sampled);
  const limit = limitReached(budget, { turns: 0, toolCalls: 0, usage }, workTime(branch));
  if (limit !== undefined) throw new SamplingRefused(`${agent.name} may not ask its model: ${limit.message}`);

  if (run.isLent && (budget.tokens !== undefined || budget.cost !== undefined))
    throw new SamplingRefused(
      `${agent.name} may not ask its model now: other agents work with what its budget has left`,
    );

  const names = namesOf(params['tools']);
  const request = { messages: messagesFrom(params['messages'], names), tools: toolsFrom(params['tools'], names) };
  const left = budget.tokens === undefined ? Infinity : Math.ceil(budget.tokens - tokensOf(usage));
  const wanted = typeof params['maxTokens'] === 'number' ? Math.max(1, Math.floor(params['maxTokens'])) : longestReply;
  const choice = isJsonObject(params['toolChoice']) ? params['toolChoice']['mode'] : undefined;

  let reply: ModelReply;
  try {
    reply = await run.model.generate({
      ...request,
      system: wordOf(params['systemPrompt']),
      maxTokens: Math.min(wanted, longestReply, left),
      ...((choice === 'required' || choice === 'none') && { toolChoice: choice }),
      owner: branch.owner,
      signal,
    });
  } catch (error) {
    if (error instanceof ModelError) throw new SamplingRefused(`the model did not answer: ${error.message}`);
    throw error;
  }
  run.sampled = addUsage(run.sampled, reply.usage);
  return { result: resultOf(reply, stopSequencesIn(params), names), usage: reply.usage };
}
