/** `deputy run AGENT [MESSAGE]`: one task, from its message to its answer. */
import { modelsOf } from '../config/models-of.ts';
import type { AgentConfig, Config } from '../config/config.ts';
import { messageOf, UsageError } from '../errors.ts';
import { isJsonObject, type JsonObject } from '../json.ts';
import { schemaCheck } from '../json-schema.ts';
import type { Runtime } from '../runtime.ts';
import type { Task } from '../task/task.ts';
import { type ExitCode, exitCode, exitCodeOfInterruption, exitCodeOfTask } from './exit.ts';
import { type Globals, named } from './globals.ts';
import { type Interruptions, watchInterruptions } from './interruptions.ts';
import { waitsElsewhere } from './waits-elsewhere.ts';
import { refuseLentModel } from './lent-model.ts';
import { isPriced, openConfig, withRuntime } from './open.ts';
import { ownerHere } from './owner-here.ts';
import { askHere, channel, denyApprovals, isAttended, openQuestions, tellQuestions } from './questions.ts';
import { readStdin } from './read-stdin.ts';
import { type Format, showTask } from './show-task.ts';
import type { Terminal } from './terminal.ts';

export interface RunOptions {
  format: Format;
  /** US dollars. */
  maxCost?: number;
  /** Milliseconds. */
  timeout?: number;
  /** A task of the store that is to go on, instead of a new one. */
  resume?: string;
  /** What waits for a person: ask whoever sits here (the default at a terminal), or deny. */
  approve?: 'ask' | 'deny';
}

/** After a task was cut off: what its servers get before they are ended. */
const cutGraceMs = 2000;
/** What a task that waits for an answer gets to finish what it does beside. */
const parkGraceMs = 60_000;

export async function run(
  agentName: string | undefined,
  message: string | undefined,
  options: RunOptions,
  globals: Globals,
  terminal: Terminal,
): Promise<ExitCode> {
  if (agentName === undefined && options.resume === undefined)
    throw new UsageError('Which agent?\nhelp: deputy run AGENT "message"');
  const interruptions = watchInterruptions(options.timeout);
  try {
    const config = withCostLimit(await openConfig(globals, terminal), agentName, options.maxCost);
    const request = await Promise.race([requestFrom(config, agentName, message, options), interruptions.came]);
    if (typeof request === 'string') return exitCodeOfInterruption(request);
    let leftGraceMs: number | undefined;
    return await withRuntime(
      config,
      globals,
      terminal,
      async (runtime) => {
        const show = { format: options.format, quiet: globals.quiet === true, approve: options.approve };
        const { code, waitsElsewhere } = await runTask(runtime, request, interruptions, show, terminal);
        if (code === exitCode.inputNeeded) leftGraceMs = waitsElsewhere ? cutGraceMs : parkGraceMs;
        return code;
      },
      { graceMs: () => (interruptions.first ? cutGraceMs : leftGraceMs) },
    );
  } finally {
    interruptions.stop();
    if (interruptions.first === 'timeout') terminal.err.write('Cancelled: the time given with --timeout is over.\n');
  }
}

/** A new task, or one of the store. */
type RunRequest = { agent: string; input: JsonObject; conversation?: string } | { resume: string };

/** @throws UsageError what was given is neither a task to begin nor one to go on with. */
async function requestFrom(
  config: Config,
  agentName: string | undefined,
  message: string | undefined,
  { resume, maxCost }: RunOptions,
): Promise<RunRequest> {
  if (resume !== undefined) {
    if (agentName === undefined && maxCost === undefined) return { resume };
    throw new UsageError('--resume goes on with a task as it was begun: leave agent, message and --max-cost out.');
  }
  const agent = named(config.agents, agentName ?? '', 'agent');
  refuseLentModel(config, agent.name);
  return { agent: agent.name, input: inputOf(agent, await messageFrom(message)) };
}

/** Runs and shows one task; an interruption cancels it. What it asks is asked here, if somebody sits here. */
export async function runTask(
  runtime: Runtime,
  request: RunRequest,
  interruptions: Interruptions,
  show: { format: Format; quiet: boolean; approve?: RunOptions['approve'] },
  terminal: Terminal,
): Promise<{ code: ExitCode; conversation: string; waitsElsewhere: boolean }> {
  const { engine } = runtime;
  const owner = ownerHere();
  const task =
    'resume' in request ? await engine.resume(request.resume, owner) : await engine.start({ ...request, owner });
  // It may have ended by itself in the meantime.
  interruptions.came.then(() => engine.cancel(task.id, owner, { channel })).catch(() => undefined);
  const onQuestion = async (asking: Task): Promise<'go on' | 'leave'> => {
    const left = show.approve === 'deny' ? await denyApprovals(engine, asking) : asking;
    if (openQuestions(left).length === 0) return 'go on';
    const isHere = (show.format === 'text' || show.approve === 'ask') && isAttended(terminal);
    const isAnswered = isHere && interruptions.first === undefined && (await askHere(engine, left, terminal));
    // What was interrupted is cancelled: its end is still to come.
    return isAnswered || interruptions.first !== undefined ? 'go on' : 'leave';
  };
  // Models need not stream where nobody reads along.
  const deltas = show.format === 'stream-json' || (show.format === 'text' && terminal.out.isTTY === true);
  const shown = await showTask(engine.watch(task.id, owner, { deltas }), terminal, { ...show, onQuestion });
  if (shown.task.status === 'input_required') {
    const next = `It waits for an answer. Afterwards: deputy run --resume ${task.id}`;
    tellQuestions(shown.task, terminal, next);
  }
  return {
    code: exitCodeOfTask(shown.task, interruptions.first),
    conversation: task.conversation,
    waitsElsewhere: waitsElsewhere(shown, runtime.config),
  };
}

async function messageFrom(argument: string | undefined): Promise<string> {
  if (argument !== undefined && argument !== '-') return argument;
  if (argument === undefined && process.stdin.isTTY)
    throw new UsageError('What should the agent do? Give a message, or pipe one in.\nhelp: deputy run AGENT "message"');
  return (await readStdin()).trim();
}

/**
 * What the agent is given: a message, or, where it declares an input of its own, JSON that fits it.
 * @throws UsageError it is empty, no JSON, or does not fit.
 */
export function inputOf(agent: AgentConfig, message: string): JsonObject {
  if (message === '') throw new UsageError('The message is empty.');
  if (agent.input === undefined) return { message };
  const properties = agent.input['properties'];
  const takesMessage = isJsonObject(properties) && 'message' in properties;
  const input = takesMessage && !message.startsWith('{') ? { message } : parsedInput(agent, message);
  const fault = schemaCheck(agent.input)(input);
  if (fault !== undefined) throw new UsageError(`The input of ${agent.name} does not fit: ${fault}`);
  return input;
}

function parsedInput(agent: AgentConfig, message: string): JsonObject {
  const example = `'{"${Object.keys(isJsonObject(agent.input?.['properties']) ? agent.input['properties'] : {})[0] ?? 'key'}": ...}'`;
  try {
    const parsed: unknown = JSON.parse(message);
    if (isJsonObject(parsed)) return parsed;
  } catch (error) {
    throw new UsageError(`${agent.name} takes a JSON object, such as ${example}: ${messageOf(error)}`);
  }
  throw new UsageError(`${agent.name} takes a JSON object, such as ${example}.`);
}

/**
 * The stricter of the agent's own cost limit and the caller's.
 * @throws UsageError nobody knows what one of the models that may think for it costs.
 */
function withCostLimit(config: Config, agentName: string | undefined, maxCost: number | undefined): Config {
  if (maxCost === undefined || agentName === undefined) return config;
  for (const name of reachable(config, agentName)) {
    const unknown = modelsOf(named(config.agents, name, 'agent')).find((one) => !isPriced(one));
    if (unknown)
      throw new UsageError(
        `--max-cost cannot hold: what ${unknown.provider}/${unknown.model} costs is not known.\n` +
          `help: give it a price in agents.yaml: price: { input: ..., output: ... } (US dollars per million tokens)`,
      );
  }
  const limited = (agent: AgentConfig): AgentConfig => ({
    ...agent,
    limits: { ...agent.limits, cost: Math.min(agent.limits.cost ?? maxCost, maxCost) },
  });
  return { ...config, agents: config.agents.map((agent) => (agent.name === agentName ? limited(agent) : agent)) };
}

/** An agent and every agent below it. */
function reachable(config: Config, name: string, found: Set<string> = new Set()): Set<string> {
  if (found.has(name)) return found;
  found.add(name);
  for (const child of named(config.agents, name, 'agent').agents) reachable(config, child, found);
  return found;
}
