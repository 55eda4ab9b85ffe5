/**
 * A server that an agent uses wants a model to think for it: the agent's own model does, within the agent's budget
 * (2025-11-25 and 2026-07-28, `sampling/createMessage`, with the tools of SEP-1577). The server's conversation is its
 * own: nothing of the agent's is shown to it, whatever `includeContext` says. An agent that thinks with its caller's
 * model hands the question on.
 *
 * For an agent of another Deputy it thinks with what was left to that call; for every other server with what the agent
 * has not lent.
 */
import { sha256 } from '../hash.ts';
import { isJsonObject, type JsonObject } from '../json.ts';
import { addUsage, mostUsage, noUsage, type Usage } from '../task/usage.ts';
import { limitReached, type Paused, tokensOf, workTime } from './limits.ts';
import { type Model, ModelError, type ModelReply, type ModelRequest } from './model.ts';
import type { Calling } from './prepare-call.ts';
import { modelFor } from './run.ts';
import { longestReply, messagesFrom, namesOf, paramsOf, toolsFrom, wordOf } from './sampling-request.ts';
import { replyFrom, resultOf, stopSequencesIn } from './sampling-result.ts';
import { SamplingRefused } from './tool.ts';

export interface Sampling {
  /**
   * Inside the step of the call in which the server asks.
   * @param params checked against the specification's shape, but for what holds between its messages.
   * @returns the result of `sampling/createMessage`.
   * @throws SamplingRefused with the reason for the server; the signal's reason.
   */
  sample(params: JsonObject, signal: AbortSignal): Promise<JsonObject>;
  /**
   * What a call has used in all, from what its outcome says. An agent of another Deputy counts what it was lent in what
   * it says; no other server does.
   */
  total(said: Usage | undefined): Usage | undefined;
}

/** The call in which a server may ask. */
interface OpenCall {
  /** The name of its step. */
  step: string;
  /** Of an agent of another Deputy. */
  isAgent: boolean;
  /** No time passes and no slot is held while others are waited for. */
  away: Paused;
}

type Request = Pick<ModelRequest, 'system' | 'messages' | 'tools' | 'maxTokens' | 'toolChoice'>;

export function openSampling(calling: Pick<Calling, 'run' | 'branch' | 'lent'>, call: OpenCall): Sampling {
  const { run, branch, lent } = calling;
  let used = noUsage;
  let last: Promise<unknown> = Promise.resolve();
  const asked = new Map<string, number>();

  const generated = async (model: Model, request: Request, signal: AbortSignal): Promise<ModelReply> => {
    try {
      return await model.generate({ ...request, owner: branch.owner, signal });
    } catch (error) {
      if (error instanceof ModelError) throw new SamplingRefused(`the model did not answer: ${error.message}`);
      throw error;
    }
  };

  const borrowed = async (request: Request, signal: AbortSignal): Promise<ModelReply> => {
    const params = paramsOf(request);
    const hash = sha256(JSON.stringify(params)).slice(0, 16);
    const nth = (asked.get(hash) ?? 0) + 1;
    asked.set(hash, nth);
    const name = `${call.step} thinks ${hash}${nth === 1 ? '' : ` ${nth}`}`;
    const response = await call.away(() => branch.relay(call.step, name, { kind: 'sampling', params }, signal));
    signal.throwIfAborted();
    if (response.action !== 'accept')
      throw new SamplingRefused(`${run.agent.name} thinks with its caller's model, which was not lent`);
    const reply = replyFrom(response.content, request.messages);
    if ('fault' in reply) throw new SamplingRefused(`the model of the caller gave no usable answer: ${reply.fault}`);
    return reply;
  };

  const sampled = async (params: JsonObject, signal: AbortSignal): Promise<JsonObject> => {
    signal.throwIfAborted();
    const left = tokensLeft(calling, call, used);
    const names = namesOf(params['tools']);
    const wanted =
      typeof params['maxTokens'] === 'number' ? Math.max(1, Math.floor(params['maxTokens'])) : longestReply;
    const choice = isJsonObject(params['toolChoice']) ? params['toolChoice']['mode'] : undefined;
    const request: Request = {
      system: wordOf(params['systemPrompt']),
      messages: messagesFrom(params['messages'], names),
      tools: toolsFrom(params['tools'], names),
      maxTokens: Math.min(wanted, longestReply, left),
      ...((choice === 'required' || choice === 'none') && { toolChoice: choice }),
    };
    // A plan thinks for nobody.
    const model = modelFor(run);
    const reply = await (model === undefined ? borrowed(request, signal) : generated(model, request, signal));
    used = addUsage(used, reply.usage);
    if (!call.isAgent) run.sampled = addUsage(run.sampled, reply.usage);
    return resultOf(reply, stopSequencesIn(params), names, call.isAgent);
  };

  return {
    total(said = noUsage) {
      if (used === noUsage) return said === noUsage ? undefined : said;
      return call.isAgent ? mostUsage(said, used) : addUsage(said, used);
    },
    sample(params, signal) {
      const { tokens, cost } = (call.isAgent ? lent : undefined) ?? run.budget;
      if (tokens === undefined && cost === undefined) return sampled(params, signal);
      // A bound is looked at before each reply, so they come one by one (B2).
      const inTurn = (): Promise<JsonObject> => sampled(params, signal);
      const mine = last.then(inTurn, inTurn);
      last = mine;
      return mine;
    },
  };
}

/** @throws SamplingRefused */
function tokensLeft(
  { run, branch, lent }: Pick<Calling, 'run' | 'branch' | 'lent'>,
  call: OpenCall,
  used: Usage,
): number {
  const { agent, spent } = run;
  const isOfLent = call.isAgent && lent !== undefined;
  const { tokens, cost, ...budget } = run.budget;
  const { tokens: ofTokens, cost: ofCost } = isOfLent ? lent : { tokens, cost };
  const bounds = {
    ...budget,
    ...(ofTokens !== undefined && { tokens: ofTokens }),
    ...(ofCost !== undefined && { cost: ofCost }),
  };
  const usage = isOfLent ? used : addUsage(spent.usage, run.sampled);
  const limit = limitReached(bounds, { turns: 0, toolCalls: 0, usage }, workTime(branch));
  if (limit !== undefined) throw new SamplingRefused(`${agent.name} may not ask its model: ${limit.message}`);

  if (!isOfLent && run.isLent && (tokens !== undefined || cost !== undefined))
    throw new SamplingRefused(
      `${agent.name} may not ask its model now: other agents work with what its budget has left`,
    );
  return ofTokens === undefined ? Infinity : Math.ceil(ofTokens - tokensOf(usage));
}
