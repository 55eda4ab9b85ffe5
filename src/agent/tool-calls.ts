/**
 * Runs one turn's tool calls: side by side, bounded, results in the order in which the model asked.
 *
 * Invariants:
 *   C1. Branches open in call order, before anything is awaited, so that a replay sees the same sequence.
 *   C2. A queue slot is held only while an effect runs: never while a person thinks or a nested agent works.
 */
import PQueue from 'p-queue';
import { UnavailableError } from '../errors.ts';
import { isJsonObject, type JsonObject } from '../json.ts';
import { text, textOf } from '../task/content.ts';
import type { EffectClass } from '../task/effect.ts';
import type { TaskContext } from '../task/engine.ts';
import { addUsage } from '../task/usage.ts';
import type { Agent } from './agent.ts';
import { type Allowance, allowanceOf, withinDeadline } from './limits.ts';
import type { AssistantMessage, ModelReply, ToolCall, ToolResult } from './model.ts';
import { fitted } from './result-size.ts';
import type { Run } from './run.ts';
import type { AgentTool, ToolCallOptions, ToolOutcome, ToolProgress } from './tool.ts';
import { diedWhileCalling, mayRepeat, settleUnknown, type UnknownCall } from './unknown-call.ts';

export const toolCallsOf = (message: AssistantMessage): ToolCall[] =>
  message.content.filter((block) => block.type === 'tool_call');

/** The step that records what a call came to. Every branch of the loop is a call, and every call ends with it. */
export const callStep = 'call';
/** The step that records what a person said of a call that was unknown; it replaces what the call came to. */
export const settledStep = 'settled';

export async function runToolCalls(
  run: Run,
  calls: readonly ToolCall[],
  replyStop: ModelReply['stop'],
): Promise<ToolResult[]> {
  const { agent, budget, context, spent } = run;
  const allowed = replyStop === 'length' ? 0 : budget.toolCalls - spent.toolCalls;
  const refusal =
    replyStop === 'length' ? cutReply : `Not run: the limit of ${budget.toolCalls} tool calls is reached.`;
  const nested = calls.slice(0, allowed).filter((call) => agentToolOf(agent, call) !== undefined).length;
  const allowance = allowanceOf(agent, budget, spent, Math.max(1, nested));
  const bounded = boundedBy(agent.limits.parallelTools, calls.length);
  spent.toolCalls += calls.length;

  const outcomes = await Promise.all(
    calls.map((call, index) =>
      context.branch(`turn ${spent.turns}: call ${index + 1}`, async (branch) => {
        branch.emit({ type: 'tool_start', agent: agent.name, callId: call.id, tool: call.name, args: call.args });
        const outcome =
          index < allowed
            ? await runToolCall(run, call, branch, { allowance, bounded })
            : await branch.step(callStep, () => Promise.resolve(failed(refusal)));
        branch.emit({
          type: 'tool_end',
          agent: agent.name,
          callId: call.id,
          tool: call.name,
          isError: outcome.isError,
          summary: textOf(outcome.content).slice(0, 200),
        });
        return outcome;
      }),
    ),
  );

  for (const { usage } of outcomes) if (usage !== undefined) spent.usage = addUsage(spent.usage, usage);
  run.isStopped ||= outcomes.some(({ stops }) => stops === true);
  return outcomes.map(({ content, isError }, index) => ({
    type: 'tool_result',
    callId: calls[index]?.id ?? '',
    content,
    isError,
  }));
}

/** Half a plan is not what the model wanted, and the arguments of its last call may lack their end. */
const cutReply =
  'Not run: your reply was cut at its output limit, so none of its calls was run. Ask for less at a time.';

interface Turn {
  allowance: Allowance;
  bounded: Bounded;
}

/** Runs an effect when there is room for it. */
type Bounded = <T>(effect: () => Promise<T>) => Promise<T>;

/** Calls that all fit side by side need no queue. */
function boundedBy(parallel: number, calls: number): Bounded {
  if (calls <= parallel) return (effect) => effect();
  const queue = new PQueue({ concurrency: parallel });
  return (effect) => queue.add(effect);
}

const agentToolOf = (agent: Agent, call: ToolCall): AgentTool | undefined =>
  agent.agents.find((tool) => tool.name === call.name);

async function runToolCall(run: Run, call: ToolCall, branch: TaskContext, turn: Turn): Promise<ToolOutcome> {
  const agentTool = agentToolOf(run.agent, call);
  if (agentTool === undefined) return runEffect(run, call, branch, turn.bounded);
  const outcome = await runNested(agentTool, call, branch, turn.allowance);
  return branch.step(callStep, () => Promise.resolve(outcome));
}

async function runNested(
  tool: AgentTool,
  call: ToolCall,
  branch: TaskContext,
  allowance: Allowance,
): Promise<ToolOutcome> {
  const args = checkedArgs(tool, call);
  if (args.kind === 'wrong') return failed(args.message);
  if (allowance.depth < 0) return failed('Not run: agents may not be nested deeper than this (limits.depth).');
  return tool.run(args.value, branch, allowance);
}

/** The whole call is one step: also what the model got wrong is recorded, so that a replay tells it the same. */
async function runEffect(run: Run, call: ToolCall, branch: TaskContext, bounded: Bounded): Promise<ToolOutcome> {
  const left = branch.unfinished(callStep);
  const attempt = (name: string): Promise<ToolOutcome> => attemptEffect(run, call, branch, name, bounded);
  const isLost = left !== undefined && !(await mayRepeat(left, branch, (signal) => effectOf(run, call, signal)));
  const outcome = isLost ? undefined : await attempt(callStep);
  if (outcome !== undefined && outcome.unknown === undefined) return outcome;

  const unknown: UnknownCall = {
    agent: run.agent.name,
    tool: call.name,
    bytes: left?.bytes ?? JSON.stringify(call.args),
    why: outcome?.unknown ?? diedWhileCalling,
  };
  const settled = await settleUnknown(branch, unknown, attempt);
  return branch.step(settledStep, () => Promise.resolve(settled));
}

/** The class that a call has now. A tool that is gone can no longer say that it is harmless. */
async function effectOf({ agent }: Run, call: ToolCall, signal: AbortSignal): Promise<EffectClass> {
  try {
    const tools = await agent.tools(signal);
    return tools.find((tool) => tool.name === call.name)?.effect ?? 'unsafe';
  } catch (error) {
    if (error instanceof UnavailableError) return 'unsafe';
    throw error;
  }
}

function attemptEffect(
  run: Run,
  call: ToolCall,
  branch: TaskContext,
  name: string,
  bounded: Bounded,
): Promise<ToolOutcome> {
  const reference = branch.unfinished(name)?.reference;
  return branch.step(name, (signal, commit) =>
    withinDeadline(run.budget.deadline, branch, signal, async (cut) => {
      try {
        const options = { signal: cut, commit, bounded, ...(reference !== undefined && { reference }) };
        return await callTool(run, call, branch, options);
      } catch (error) {
        if (signal.aborted) throw error;
        if (cut.aborted) return failed('Cut off: the time of the agent is up.');
        // A server that went away since the model was told of its tools: something that it can work around.
        if (error instanceof UnavailableError) return failed(error.message);
        throw error;
      }
    }),
  );
}

async function callTool(
  { agent }: Run,
  call: ToolCall,
  branch: TaskContext,
  { bounded, ...options }: Omit<ToolCallOptions, 'onProgress'> & { bounded: Bounded },
): Promise<ToolOutcome> {
  const { signal } = options;
  signal.throwIfAborted();
  const tools = await agent.tools(signal);
  const tool = tools.find((tool) => tool.name === call.name);
  if (tool === undefined) return failed(unknownTool(call.name, [...agent.agents, ...tools]));
  const args = checkedArgs(tool, call);
  if (args.kind === 'wrong') return failed(args.message);
  const onProgress = (progress: ToolProgress): void =>
    branch.emit({ type: 'tool_progress', agent: agent.name, callId: call.id, tool: call.name, ...progress });
  const outcome = await bounded(async () => {
    // It may have waited for its turn: nothing begins once the task or its time has ended.
    signal.throwIfAborted();
    return tool.call(args.value, { ...options, onProgress });
  });
  return fitted(outcome);
}

type Args = { kind: 'fit'; value: JsonObject } | { kind: 'wrong'; message: string };

function checkedArgs(tool: { name: string; check(args: ToolCall['args']): string | undefined }, call: ToolCall): Args {
  if (call.malformed !== undefined)
    return { kind: 'wrong', message: `The arguments for ${tool.name} are not JSON: ${call.malformed.slice(0, 500)}` };
  const fault = tool.check(call.args) ?? (isJsonObject(call.args) ? undefined : 'the value must be an object');
  if (fault !== undefined || !isJsonObject(call.args))
    return { kind: 'wrong', message: `The arguments for ${tool.name} do not fit its input schema:\n${fault}` };
  return { kind: 'fit', value: call.args };
}

const unknownTool = (name: string, tools: readonly { name: string }[]): string =>
  tools.length === 0
    ? `There is no tool "${name}": you have no tools.`
    : `There is no tool "${name}". You have: ${tools.map((tool) => tool.name).join(', ')}.`;

const failed = (message: string): ToolOutcome => ({ content: [text(message)], isError: true });
