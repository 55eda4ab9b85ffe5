/** What the model's last reply comes to: the agent's result, or a request to put right what does not fit. */
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { type TextContent, textOf } from '../task/content.ts';
import type { TaskResult } from '../task/task.ts';
import type { OutputShape } from './agent.ts';
import type { ModelReply } from './model.ts';
import { type Run, stopped } from './run.ts';

type Answer = { kind: 'result'; result: TaskResult } | { kind: 'amend'; request: string };

/** How often a model may try again to fit its output schema. */
const maxAmendments = 2;

export function finalAnswer(run: Run, reply: ModelReply): Answer {
  if (reply.stop === 'refusal') return ended(stopped(run, 'refusal', `${reply.model} declined to answer.`));
  if (reply.stop === 'length')
    return ended(stopped(run, 'length', `The reply of ${reply.model} was cut at its output limit (max_tokens).`));

  const content = reply.message.content.filter((block): block is TextContent => block.type === 'text');
  if (reply.stop === 'failed') return ended({ content, isError: true, stop: 'step_failed', usage: run.spent.usage });
  const { output } = run.agent;
  if (output === undefined) return ended({ content, stop: 'answer', usage: run.spent.usage });

  const shaped = shapedBy(output, textOf(content));
  if (shaped.kind === 'fits')
    return ended({ content, structuredContent: shaped.value, stop: 'answer', usage: run.spent.usage });

  if (run.agent.model.isPlan === true)
    return ended(stopped(run, 'bad_output', `The last answer does not fit the output schema: ${shaped.fault}`));
  run.amendments += 1;
  if (run.amendments <= maxAmendments) return { kind: 'amend', request: amendRequest(shaped.fault) };
  return ended(stopped(run, 'bad_output', `${run.agent.name} never fitted its output schema: ${shaped.fault}`));
}

type Shaped = { kind: 'fits'; value: JsonObject } | { kind: 'misfit'; fault: string };

/** Reads an answer as what the agent has promised. */
export function shapedBy(output: OutputShape, answer: string): Shaped {
  const value = jsonIn(answer);
  const fault = value === undefined ? 'it is not JSON' : output.check(value);
  if (fault !== undefined) return { kind: 'misfit', fault };
  return isJsonObject(value) ? { kind: 'fits', value } : { kind: 'misfit', fault: 'it is not a JSON object' };
}

const ended = (result: TaskResult): Answer => ({ kind: 'result', result });

const amendRequest = (fault: string): string =>
  `Your answer does not fit the output schema: ${fault}\nAnswer again with one JSON object that fits it, and nothing else.`;

/** What is written in `answer`, where that is JSON, fenced or not. */
export function jsonIn(answer: string): Json | undefined {
  try {
    return JSON.parse(unfenced(answer)) as Json;
  } catch {
    return undefined;
  }
}

const fence = '```';

/** Models like to fence their JSON. No regular expression: an answer of newlines alone would make it backtrack. */
function unfenced(answer: string): string {
  const trimmed = answer.trim();
  const start = trimmed.indexOf('\n');
  if (start < 0 || !trimmed.startsWith(fence) || !trimmed.endsWith(fence)) return answer;
  return trimmed.slice(start, -fence.length);
}
