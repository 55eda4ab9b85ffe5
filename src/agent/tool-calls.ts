/**
 * Runs one turn's tool calls: side by side, bounded, results in the order in which the model asked.
 *
 * Invariants:
 *   C1. Branches open in call order, before anything is awaited, so that a replay sees the same sequence.
 *   C2. A queue slot is held only while an effect runs: never while a person thinks or a nested agent works.
 */
import { UnavailableError } from '../errors.ts';
import { isJsonObject, type JsonObject } from '../json.ts';
import { text, textOf } from '../task/content.ts';
import type { TaskContext } from '../task/engine.ts';
import { addUsage } from '../task/usage.ts';
import { type Allowance, allowanceOf, cutAt } from './limits.ts';
import type { AssistantMessage, ToolCall, ToolResult } from './model.ts';
import { fitted } from './result-size.ts';
import type { Run } from './run.ts';
import type { AgentTool, ToolCallOptions, ToolOutcome, ToolProgress } from './tool.ts';

export const toolCallsOf = (message: AssistantMessage): ToolCall[] =>
  message.content.filter((block) => block.type === 'tool_call');

export async function runToolCalls(run: Run, calls: readonly ToolCall[]): Promise<ToolResult[]> {
  const { agent, budget, context, spent } = run;
  const allowed = budget.toolCalls - spent.toolCalls;
  const allowance = allowanceOf(budget, spent);
  spent.toolCalls += Math.min(calls.length, allowed);

  const outcomes = await Promise.all(
    calls.map((call, index) =>
      context.branch(`turn ${spent.turns}: call ${index + 1}`, async (branch) => {
        branch.emit({ type: 'tool_start', agent: agent.name, callId: call.id, tool: call.name, args: call.args });
        const outcome =
          index < allowed
            ? await runToolCall(run, call, branch, allowance)
            : failed(`Not run: the limit of ${budget.toolCalls} tool calls is reached.`);
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
  return outcomes.map(({ content, isError }, index) => ({
    type: 'tool_result',
    callId: calls[index]?.id ?? '',
    content,
    isError,
  }));
}

async function runToolCall(run: Run, call: ToolCall, branch: TaskContext, allowance: Allowance): Promise<ToolOutcome> {
  const agentTool = run.agent.agents.find((tool) => tool.name === call.name);
  if (agentTool === undefined) return runEffect(run, call, branch);
  const outcome = await runNested(agentTool, call, branch, allowance);
  return branch.step('call', () => Promise.resolve(outcome));
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
function runEffect(run: Run, call: ToolCall, branch: TaskContext): Promise<ToolOutcome> {
  return branch.step('call', async (signal, commit) => {
    const cut = cutAt(run.budget.deadline, signal);
    try {
      return await callTool(run, call, branch, { signal: cut, commit });
    } catch (error) {
      if (signal.aborted) throw error;
      if (cut.aborted) return failed('Cut off: the time of the agent is up.');
      // A server that went away since the model was told of its tools: something that it can work around.
      if (error instanceof UnavailableError) return failed(error.message);
      throw error;
    }
  });
}

async function callTool(
  { agent, queue }: Run,
  call: ToolCall,
  branch: TaskContext,
  options: Pick<ToolCallOptions, 'signal' | 'commit'>,
): Promise<ToolOutcome> {
  const tools = await agent.tools(options.signal);
  const tool = tools.find((tool) => tool.name === call.name);
  if (tool === undefined) return failed(unknownTool(call.name, [...agent.agents, ...tools]));
  const args = checkedArgs(tool, call);
  if (args.kind === 'wrong') return failed(args.message);
  const onProgress = (progress: ToolProgress): void =>
    branch.emit({ type: 'tool_progress', agent: agent.name, callId: call.id, tool: call.name, ...progress });
  return fitted(await queue.add(() => tool.call(args.value, { ...options, onProgress })));
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
