/** What a step of a composed agent came to. */
import type { Json, JsonObject } from '../json.ts';
import { type Content, textOf } from '../task/content.ts';
import { jsonIn } from './answer.ts';
import type { ToolResult } from './model.ts';
import type { PlannedCall, PlanStep } from './plan.ts';

export interface StepAnswer {
  /** For messages to the agents of the next step. */
  answers: readonly AgentAnswer[];
  /** All of it: the answer of the plan, where this was its last step. */
  text: string;
  /** All of it, for paths and arguments; undefined where it is words and no JSON. */
  value: Json | undefined;
  /** Why the plan ends here. */
  fault?: string;
}

export interface AgentAnswer {
  agent: string;
  item?: string;
  text: string;
  /** The text as JSON, where it is an object or a list. */
  value: Json | undefined;
  isError: boolean;
  /** Images and files. */
  others: Content[];
}

/** @param results of `calls`, in their order. */
export function answered(step: PlanStep, calls: readonly PlannedCall[], results: readonly ToolResult[]): StepAnswer {
  const answers = calls.map((call, index) => answerOf(call, results[index]));
  const fault = faultOf(answers);
  const failing = fault !== undefined && { fault };
  if ('run' in step) {
    const { text = '', value } = answers[0] ?? {};
    return { answers, text, value, ...failing };
  }
  if ('map' in step && answers.length === 0)
    return { answers: [{ agent: step.map, text: '[]', value: [], isError: false, others: [] }], text: '[]', value: [] };
  const value: Json = 'map' in step ? answers.map(placed) : byName(answers);
  return { answers, text: JSON.stringify(value, null, 2), value, ...failing };
}

function answerOf({ agent, item }: PlannedCall, result: ToolResult | undefined): AgentAnswer {
  const { content = [], isError = true } = result ?? {};
  const [first] = content;
  const words = textOf(content);
  return {
    agent,
    ...(item !== undefined && { item }),
    text: words,
    // What a person said who approved the call stands behind the answer.
    value: structured(words) ?? (first?.type === 'text' ? structured(first.text) : undefined),
    isError,
    others: content.filter(({ type }) => type !== 'text'),
  };
}

/** JSON as it is, words as a text, a failure with its reason. */
const placed = ({ text, value, isError }: AgentAnswer): Json => (isError ? { error: text } : (value ?? text));

/** An agent that runs twice has two answers: `critic`, `critic_2`. */
function byName(answers: readonly AgentAnswer[]): JsonObject {
  const values = new Map<string, Json>();
  for (const answer of answers) {
    let key = answer.agent;
    for (let nth = 2; values.has(key); nth += 1) key = `${answer.agent}_${nth}`;
    values.set(key, placed(answer));
  }
  return Object.fromEntries(values);
}

/** A number or a word that happens to be JSON stays the text that it is. */
export function structured(words: string): Json | undefined {
  const value = jsonIn(words);
  return typeof value === 'object' && value !== null ? value : undefined;
}

function faultOf(answers: readonly AgentAnswer[]): string | undefined {
  const [first] = answers;
  if (first === undefined || !answers.every(({ isError }) => isError)) return undefined;
  if (answers.length === 1) return `${first.agent} failed: ${first.text}`;
  const names = [...new Set(answers.map(({ agent }) => agent))];
  const reasons = new Map(answers.map(({ agent, text }) => [text, agent]));
  const told = [...reasons].slice(0, mostReasons).map(([text, agent]) => `${agent}: ${text}`);
  const more = reasons.size > mostReasons ? [`and ${reasons.size - mostReasons} other reasons`] : [];
  return [`All ${answers.length} calls of ${names.join(', ')} failed:`, ...told, ...more].join('\n');
}

const mostReasons = 5;
