/**
 * The face of a blocking call: the caller waits on the request itself until the agent has answered.
 *
 *   - It runs nothing: the agent works behind the `TaskEngine`; this watches and tells.
 *   - A caller that cancels (each era in its own way; the SDK makes one signal of them) cancels the task.
 *   - A door that goes away does not: the task is the engine's, and the call ends with an error that says so.
 */
import {
  ProtocolError,
  ProtocolErrorCode,
  type CallToolResult,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { agentInput, defaultInputSchema } from '../agent/agent-input.ts';
import { BusyError, NotFoundError, UnavailableError, UsageError } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import { schemaCheck } from '../json-schema.ts';
import { isTerminal, type Task, type TerminalState } from '../task/task.ts';
import { describeEvent, type Happening } from './describe-event.ts';
import { unavailableCode } from './meta.ts';
import type { Caller, ServedAgent, ServeOptions } from './options.ts';
import { startProgress, type Progress } from './progress.ts';
import { errorResult, toolResult } from './tool.ts';

const checkDefaultInput = schemaCheck(defaultInputSchema);

/** @throws ProtocolError a fault of ours, or no room: what the caller's model can mend is a result with `isError`. */
export async function callAgent(
  options: ServeOptions,
  caller: Caller,
  agent: ServedAgent,
  args: JsonObject,
  context: ServerContext,
): Promise<CallToolResult> {
  const fault = (agent.input?.check ?? checkDefaultInput)(args);
  if (fault !== undefined) return errorResult(`Invalid arguments for ${agent.name}: ${fault}`);
  caller.onCall?.(1);
  try {
    return await caller.calls.run(async () => {
      const begun = await begin(options, caller, agent, args);
      if (begun.refused !== undefined) return errorResult(begun.refused);
      return answer(agent, await ended(options, caller, begun.task, context));
    });
  } catch (error) {
    if (error instanceof ProtocolError) throw error;
    if (error instanceof UnavailableError) throw new ProtocolError(unavailableCode, error.message);
    options.log.error({ agent: agent.name, err: error }, 'a call failed');
    throw new ProtocolError(ProtocolErrorCode.InternalError, 'Internal error: the log of this server says more.');
  } finally {
    caller.onCall?.(-1);
  }
}

type Begun = { task: Task; refused?: undefined } | { refused: string };

async function begin(
  { engine }: ServeOptions,
  { owner }: Caller,
  agent: ServedAgent,
  input: JsonObject,
): Promise<Begun> {
  const conversation = agent.input === undefined ? agentInput(input).conversation : undefined;
  try {
    const task = await engine.start({
      agent: agent.name,
      input,
      owner,
      ...(conversation !== undefined && { conversation }),
    });
    return { task };
  } catch (error) {
    const mendable = error instanceof NotFoundError || error instanceof BusyError || error instanceof UsageError;
    if (mendable) return { refused: error.message };
    throw error;
  }
}

type EndedTask = Task & TerminalState;

/** The task once it is over. Progress and log messages go to the caller meanwhile, as far as it asked for them. */
async function ended(
  options: ServeOptions,
  { owner, calls }: Caller,
  task: Task,
  context: ServerContext,
): Promise<EndedTask> {
  const { engine, log } = options;
  const { signal } = context.mcpReq;
  const progress = progressTo(context, options);
  const cancel = (): void => {
    if (calls.cut.aborted) return;
    progress?.stop();
    engine.cancel(task.id, owner).catch((error: unknown) => {
      log.error({ task: task.id, err: error }, 'a cancelled call could not cancel its task');
    });
  };
  if (signal.aborted) cancel();
  else signal.addEventListener('abort', cancel, { once: true });
  try {
    let current = task;
    for await (const event of engine.watch(task.id, owner, { signal: calls.cut })) {
      if (event.type === 'status') current = event.task;
      else if (!signal.aborted) tell(context, progress, event);
    }
    if (isTerminal(current)) return current;
    throw new UnavailableError(`This server is shutting down; task ${task.id} is not over.`);
  } finally {
    progress?.stop();
    signal.removeEventListener('abort', cancel);
  }
}

function tell(context: ServerContext, progress: Progress | undefined, event: Happening): void {
  const line = describeEvent(event);
  if (line === undefined) return;
  progress?.tell(line);
  if (event.type !== 'tool_progress') tellLog(context, event.agent, line);
}

function progressTo(context: ServerContext, { progressMs = 5000 }: ServeOptions): Progress | undefined {
  const progressToken = context.mcpReq._meta?.progressToken;
  if (progressToken === undefined) return undefined;
  return startProgress(
    (update) => notify(context, { method: 'notifications/progress', params: { progressToken, ...update } }),
    { maxGapMs: progressMs },
  );
}

/** The SDK keeps to the level that the caller set (2025: per session; 2026: per request, and none means silence). */
function tellLog(context: ServerContext, logger: string, line: string): void {
  context.mcpReq.log('info', line, logger).catch(unheard);
}

function notify(context: ServerContext, notification: Parameters<ServerContext['mcpReq']['notify']>[0]): void {
  context.mcpReq.notify(notification).catch(unheard);
}

/** A caller that is gone hears nothing: its signal or its session's end says so elsewhere. */
const unheard = (): void => undefined;

function answer(agent: ServedAgent, task: EndedTask): CallToolResult {
  switch (task.status) {
    case 'completed':
      return toolResult(agent, task, task.result);
    case 'failed':
      throw new ProtocolError(task.error.code, task.error.message);
    case 'cancelled':
      return errorResult('The task was cancelled before it had an answer.', task);
  }
}
