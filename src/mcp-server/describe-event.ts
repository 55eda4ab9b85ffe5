import type { ProgressEvent, TaskEvent } from '../task/event.ts';

export type Happening = Exclude<TaskEvent, { type: 'status' }>;

/** One line for a person who waits; undefined where nothing happened that a person would call an event. */
export function describeEvent(event: Happening): string | undefined {
  const line = whatHappened(event);
  return line === undefined ? undefined : `${event.agent}: ${line}`;
}

/** Without the agent that did it. */
export function whatHappened(event: Happening | ProgressEvent): string | undefined {
  switch (event.type) {
    case 'agent_start':
      return `begins (${event.model})`;
    case 'agent_end':
      return event.stop === 'answer' ? 'has answered' : `stopped: ${event.stop.replaceAll('_', ' ')}`;
    case 'turn_start':
      return `thinks, turn ${event.turn}`;
    case 'turn_end':
      return event.calls === 0 ? undefined : `calls ${event.calls} ${event.calls === 1 ? 'tool' : 'tools'}`;
    case 'compacted':
      return `shortened its memory by ${event.messages} messages`;
    case 'tool_start':
      return `${event.tool} ...`;
    case 'tool_progress': {
      const below = event.below?.at(-1);
      if (below !== undefined) return `${below.chain.join(' → ')}: ${below.line}`;
      const amount = event.total === undefined ? `${event.progress}` : `${event.progress}/${event.total}`;
      return `${event.tool} ${amount}${event.message === undefined ? '' : ` ${event.message}`}`;
    }
    case 'tool_end':
      return `${event.tool} ${event.isError ? 'failed' : 'done'}${event.summary === '' ? '' : `: ${event.summary}`}`;
    case 'text_delta':
    case 'thinking_delta':
      return undefined;
  }
}
