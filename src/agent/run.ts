import { text } from '../task/content.ts';
import type { TaskContext } from '../task/engine.ts';
import type { Sent } from '../task/question.ts';
import type { LimitName, StopReason, TaskResult } from '../task/task.ts';
import { noUsage, type Usage } from '../task/usage.ts';
import type { Agent } from './agent.ts';
import { type Allowance, type Budget, budgetOf, type Spent, workTime } from './limits.ts';
import type { Message, Model, UserMessage } from './model.ts';
import type { Slots } from './slots.ts';

/** One agent at work inside a task (or inside a branch of its caller's task). */
export interface Run {
  readonly agent: Agent;
  /** The conversation so far; the loop appends to it. */
  readonly messages: Message[];
  /** What the caller asked: stays word for word whatever is compacted. */
  request: UserMessage['content'];
  readonly context: TaskContext;
  /** By which it thinks: the agent's, or that of the agent that called it. */
  readonly model: Model;
  /** How many of its caller's agents may ask their models side by side. */
  readonly slots: Pick<Slots, 'run'>;
  /** What its caller left to it; undefined where that was no agent. */
  readonly allowance: Allowance | undefined;
  /** Another one when a person let it go on at a limit. */
  budget: Budget;
  readonly spent: Spent;
  /**
   * What servers have had its model write in this turn: in `spent` once their calls are recorded, and seen by one
   * another before. Only code inside steps may look at it.
   */
  sampled: Usage;
  /** What its budget has left is handed out to the agents that it calls in this turn. */
  isLent: boolean;
  /** How often it made each call, by tool and arguments. */
  readonly made: Map<string, number>;
  /** What people sent to the task that the model has read, oldest first. */
  readonly heard: Sent[];
  /** Tokens that the newest reply and its prompt took of the context window. */
  filled: number;
  /** How often the model was asked to put its answer right. */
  amendments: number;
  /** How often people were asked whether it may go on at a limit. */
  limitQuestions: number;
  /** Somebody said that it may not, or nobody said that it may. */
  mustEnd: boolean;
  /** A result was too long for the model, which may read the rest of it. */
  hasSpilled: boolean;
  /** A person stopped the task at one of its calls. */
  isStopped: boolean;
  /** The newest text of the model in this run. */
  said: string;
}

/** @param messages the last one is the caller's. */
export function newRun(agent: Agent, messages: Message[], context: TaskContext, allowance: Allowance | undefined): Run {
  const last = messages.at(-1);
  return {
    agent,
    messages,
    request: last?.role === 'user' ? last.content : [],
    context,
    model: agent.model.isClient === true ? (allowance?.model ?? agent.model) : agent.model,
    slots: allowance?.slots ?? { run: (effect) => effect() },
    allowance,
    budget: budgetOf(agent.limits, workTime(context), allowance),
    spent: { turns: 0, toolCalls: 0, agents: 0, usage: noUsage },
    sampled: noUsage,
    isLent: false,
    made: new Map(),
    heard: [],
    filled: 0,
    amendments: 0,
    limitQuestions: 0,
    mustEnd: false,
    hasSpilled: false,
    isStopped: false,
    said: '',
  };
}

/** With what those think that it calls and that have no model: who has none itself hands its caller's on. */
export const modelFor = ({ model, allowance }: Run): Model | undefined =>
  model.isPlan === true || model.isClient === true ? allowance?.model : model;

/** The result of an agent that could not answer: why, and the last thing that it said. */
export function stopped(run: Run, stop: Exclude<StopReason, 'answer'>, why: string, limit?: LimitName): TaskResult {
  return {
    content: [text(run.said === '' ? why : `${why}\n\nIts last words were:\n${run.said}`)],
    isError: true,
    stop,
    ...(limit !== undefined && { limit }),
    usage: run.spent.usage,
  };
}
