import { askPerson } from '../config/tool-globs.ts';
import type { Config } from '../config/config.ts';
import type { AgentNode, CallNode } from './progress-tree.ts';
import { openQuestions } from './questions.ts';
import type { Shown } from './show-task.ts';

/**
 * Whether all that a task waits for are people, and agents of other Deputies, whose tasks are found again when this one
 * goes on: then nothing here is worth waiting for.
 */
export function waitsElsewhere({ task, agent }: Shown, { servers }: Pick<Config, 'servers'>): boolean {
  // As models name tools: `server__tool`.
  const deputies = servers.filter(({ deputy }) => deputy).map(({ name }) => `${name}__`);
  const asked = openQuestions(task).flatMap(([, request]) =>
    request.kind === 'form' && request.approval !== undefined ? [request.approval.tool.replace('/', '__')] : [],
  );
  const isWaiting = (call: CallNode): boolean =>
    call.agent === undefined
      ? [...asked, askPerson].includes(call.tool) || deputies.some((prefix) => call.tool.startsWith(prefix))
      : isIdle(call.agent);
  /** One without open calls thinks. */
  const isIdle = ({ calls, endedAt }: AgentNode): boolean => {
    const open = calls.filter((call) => call.endedAt === undefined);
    return endedAt !== undefined || (open.length > 0 && open.every(isWaiting));
  };
  return agent !== undefined && isIdle(agent);
}
