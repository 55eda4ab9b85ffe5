/**
 * The operator's hooks around an agent's work and around its turns. An agent that another one calls has them too: a
 * rule about what may be asked must not end where one agent hands on to the next.
 *
 * Recorded as steps of their own only where such hooks exist; `before_model` speaks inside the step of its question.
 */
import type { Json } from '../json.ts';
import { type Content, text, textOf } from '../task/content.ts';
import type { TaskResult } from '../task/task.ts';
import { shapedBy } from './answer.ts';
import type { HookInput, HookPlace, HookSaid } from './hooks.ts';
import type { Message, ModelReply } from './model.ts';
import { hooksAt, runHooks } from './run-hooks.ts';
import type { Run } from './run.ts';

/** Which steps are those of hooks, and nothing but. */
export const isHookStep = (step: string): boolean => /^turn \d+: (task_start|task_end|after_model)$/.test(step);

const stepOf = ({ spent }: Run, place: HookPlace): string => `turn ${spent.turns}: ${place}`;

/** @returns the result, where it may not even begin. May change what the model is asked. */
export async function hooksAtStart(run: Run): Promise<TaskResult | undefined> {
  const said = await recorded(run, 'task_start', { message: textOf(run.request) });
  if (said.kind === 'deny') return deniedBy(run, said.reason);
  if (said.kind === 'change') {
    run.request = withText(run.request, said.value as string);
    run.messages.splice(-1, 1, { role: 'user', content: run.request });
  }
  return undefined;
}

/** What the hooks make of the result. A changed answer still fits the shape that was promised. */
export async function hooksAtEnd(run: Run, result: TaskResult): Promise<TaskResult> {
  const said = await recorded(run, 'task_end', { result: textOf(result.content), stop: result.stop });
  if (said.kind === 'deny') return deniedBy(run, said.reason);
  if (said.kind === 'pass') return result;

  const changed: TaskResult = { ...result, content: withText(result.content, said.value as string) };
  const { output } = run.agent;
  if (output === undefined || result.stop !== 'answer') return changed;
  const shaped = shapedBy(output, said.value as string);
  if (shaped.kind === 'misfit')
    return deniedBy(run, `its change at task_end does not fit the output schema: ${shaped.fault}`);
  return { ...changed, structuredContent: shaped.value };
}

/** Inside the step that asks the model. @returns why it may not be asked. */
export async function hooksBeforeModel(
  run: Run,
  messages: readonly Message[],
  signal: AbortSignal,
): Promise<string | undefined> {
  const hooks = hooksAt(run.agent.hooks, 'before_model');
  if (hooks.length === 0) return undefined;
  const input = inputOf(run, 'before_model', { turn: run.spent.turns, messages: messages as unknown as Json });
  const said = await runHooks(hooks, input, signal);
  if (said.kind !== 'deny') return undefined;
  note(run, 'before_model', said.reason);
  return said.reason;
}

/** @returns the result, where the reply may not be acted on. */
export async function hooksAfterModel(run: Run, { message }: ModelReply): Promise<TaskResult | undefined> {
  const { turns: turn } = run.spent;
  const said = await recorded(run, 'after_model', {
    turn,
    content: message.content,
  });
  return said.kind === 'deny' ? deniedBy(run, said.reason) : undefined;
}

/** By the turn: an answer that a message from a person has overtaken may have met its hooks before. */
function recorded(run: Run, place: HookPlace, detail: Record<string, Json>): Promise<HookSaid> {
  const hooks = hooksAt(run.agent.hooks, place);
  if (hooks.length === 0) return Promise.resolve({ kind: 'pass' });
  return run.context.step(stepOf(run, place), async (signal) => {
    const said = await runHooks(hooks, inputOf(run, place, detail), signal);
    if (said.kind === 'deny') note(run, place, said.reason);
    return said;
  });
}

const inputOf = ({ agent, context }: Run, place: HookPlace, detail: Record<string, Json>): HookInput => ({
  ...detail,
  place,
  agent: agent.name,
  task: context.task,
  owner: context.owner,
});

/** Inside the step: the audit log has it with the step's record. */
const note = ({ agent, context }: Run, place: HookPlace, reason: string): void =>
  context.note({ action: 'denied', agent: agent.name, rule: `hook ${place}`, detail: reason });

/** Without the last words of the model: they may be what was denied. */
const deniedBy = ({ agent, spent }: Run, reason: string): TaskResult => ({
  content: [text(`${agent.name} was stopped by a hook: ${reason}`)],
  isError: true,
  stop: 'denied',
  usage: spent.usage,
});

/** One text in the place of all: what is no text stays. */
const withText = <T extends Content | { type: 'tool_result' }>(content: readonly T[], value: string) => [
  text(value),
  ...content.filter((block) => block.type !== 'text'),
];
