/**
 * What a task has done so far, grown from its events: agents with their calls, calls with the agent they started.
 * No clock and no terminal here: times are those of the events.
 */
import type { Json } from '../json.ts';
import type { TaskEvent } from '../task/event.ts';
import type { Activity } from '../task/mandate.ts';
import type { StopReason } from '../task/task.ts';
import { addUsage, noUsage, type Usage } from '../task/usage.ts';

export interface AgentNode {
  readonly kind: 'agent';
  readonly name: string;
  /** Names from the task's own agent down to this one. */
  readonly chain: readonly string[];
  /** `provider/model` of the newest turn. */
  model: string;
  turn: number;
  /** Of its own finished turns; once it has ended, nested agents included. */
  usage: Usage;
  readonly startedAt: number;
  endedAt?: number;
  stop?: StopReason;
  readonly calls: CallNode[];
}

export interface CallNode {
  readonly kind: 'call';
  readonly tool: string;
  readonly turn: number;
  readonly args: Json;
  readonly startedAt: number;
  endedAt?: number;
  isError?: boolean;
  /** The start of what it returned. */
  summary?: string;
  progress?: { progress: number; total?: number; message?: string };
  /** What agents of another Deputy do at the moment, where the call is one of them: chains from that agent down. */
  below?: readonly Activity[];
  /** Those of `below` that were not so before. */
  news?: readonly Activity[];
  /** The agent that this call is. */
  agent?: AgentNode;
}

export interface ProgressTree {
  root?: AgentNode;
  /** Keyed by branch path. */
  readonly agents: Map<string, AgentNode>;
  /** Keyed by branch path: every call has a branch of its own. */
  readonly calls: Map<string, CallNode>;
}

export const emptyTree = (): ProgressTree => ({ agents: new Map(), calls: new Map() });

/** Adds one event to `tree`, which its caller owns. */
export function grow(tree: ProgressTree, event: TaskEvent): void {
  switch (event.type) {
    case 'agent_start': {
      const parent = tree.calls.get(event.path);
      const agent: AgentNode = {
        kind: 'agent',
        name: event.agent,
        chain: [...(enclosing(tree, event.path)?.chain ?? []), event.agent],
        model: event.model,
        turn: 0,
        usage: noUsage,
        startedAt: event.at,
        calls: [],
      };
      tree.agents.set(event.path, agent);
      if (parent) parent.agent = agent;
      tree.root ??= agent;
      return;
    }
    case 'turn_start': {
      const agent = tree.agents.get(event.path);
      if (agent) agent.turn = event.turn;
      return;
    }
    case 'turn_end': {
      const agent = tree.agents.get(event.path);
      if (!agent) return;
      agent.model = event.model;
      agent.usage = addUsage(agent.usage, event.usage);
      return;
    }
    case 'agent_end': {
      const agent = tree.agents.get(event.path);
      if (agent) Object.assign(agent, { endedAt: event.at, stop: event.stop, usage: event.usage });
      return;
    }
    case 'tool_start': {
      const agent = enclosing(tree, event.path);
      if (!agent) return;
      const call: CallNode = {
        kind: 'call',
        tool: event.tool,
        turn: agent.turn,
        args: event.args,
        startedAt: event.at,
      };
      agent.calls.push(call);
      tree.calls.set(event.path, call);
      return;
    }
    case 'tool_progress': {
      const call = tree.calls.get(event.path);
      if (!call) return;
      call.progress = progressOf(event);
      call.news = event.below?.filter((one) => !call.below?.some((before) => isSame(one, before))) ?? [];
      if (event.below) call.below = event.below;
      return;
    }
    case 'tool_end': {
      const call = tree.calls.get(event.path);
      if (call) Object.assign(call, { endedAt: event.at, isError: event.isError, summary: event.summary });
      return;
    }
    case 'status':
    case 'text_delta':
    case 'thinking_delta':
    case 'compacted':
      return;
  }
}

const progressOf = ({ progress, total, message }: NonNullable<CallNode['progress']>) => ({
  progress,
  ...(total !== undefined && { total }),
  ...(message !== undefined && { message }),
});

const isSame = (a: Activity, b: Activity): boolean => a.line === b.line && a.chain.join('\n') === b.chain.join('\n');

/** The agent in whose branch `path` lies, `path` itself excepted. */
export function enclosing(tree: ProgressTree, path: string): AgentNode | undefined {
  for (let above = path; above !== '';) {
    const slash = above.lastIndexOf('/');
    above = slash < 0 ? '' : above.slice(0, slash);
    const agent = tree.agents.get(above);
    if (agent) return agent;
  }
  return undefined;
}
