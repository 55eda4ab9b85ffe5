/** What the model's last reply comes to: the agent's result, or a request to put right what does not fit. */
import { isJsonObject, type Json } from '../json.ts';
import { type TextContent } from '../task/content.ts';
import type { TaskResult } from '../task/task.ts';
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
  const { output } = run.agent;
  if (output === undefined) return ended({ content, stop: 'answer', usage: run.spent.usage });

  const value = parsed(content.map((block) => block.text).join(''));
  const fault = value === undefined ? 'it is not JSON' : output.check(value);
  if (fault === undefined && isJsonObject(value))
    return ended({ content, structuredContent: value, stop: 'answer', usage: run.spent.usage });

  const why = fault ?? 'it is not a JSON object';
  run.amendments += 1;
  if (run.amendments <= maxAmendments) return { kind: 'amend', request: amendRequest(why) };
  return ended(stopped(run, 'bad_output', `${run.agent.name} never fitted its output schema: ${why}`));
}

const ended = (result: TaskResult): Answer => ({ kind: 'result', result });

const amendRequest = (fault: string): string =>
  `Your answer does not fit the output schema: ${fault}\nAnswer again with one JSON object that fits it, and nothing else.`;

function parsed(answer: string): Json | undefined {
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
