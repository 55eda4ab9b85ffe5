import type { Json } from '../json.ts';
import type { Activity } from './mandate.ts';
import type { StopReason, Task } from './task.ts';
import type { Usage } from './usage.ts';

/**
 * What happens inside a task, for those who watch: seen while it happens, never replayed, never needed for a decision.
 * `callId` is unique within its turn only; with the event's `path` it is unique within the task.
 */
export type ProgressEvent =
  | { type: 'agent_start'; agent: string; model: string }
  | { type: 'agent_end'; agent: string; stop: StopReason; usage: Usage }
  | { type: 'turn_start'; agent: string; turn: number }
  | { type: 'text_delta'; agent: string; text: string }
  | { type: 'thinking_delta'; agent: string; text: string }
  | { type: 'turn_end'; agent: string; turn: number; model: string; usage: Usage; calls: number }
  | { type: 'compacted'; agent: string; turn: number; messages: number }
  | { type: 'tool_start'; agent: string; callId: string; tool: string; args: Json }
  | {
      type: 'tool_progress';
      agent: string;
      callId: string;
      tool: string;
      progress: number;
      total?: number;
      message?: string;
      below?: readonly Activity[];
    }
  | { type: 'tool_end'; agent: string; callId: string; tool: string; isError: boolean; summary: string };

export type TaskEvent =
  | { type: 'status'; task: Task }
  /** `path` is the branch that emitted it: empty for the task's own agent; a nested agent's starts with its call's. */
  | (ProgressEvent & { path: string; at: number });
