/**
 * Wiring: tasks of other servers that tasks of ours left open when they ended are cancelled there. Whoever follows such
 * a task cancels it by itself; this is for those whose process died, and whose server could not be reached, meanwhile.
 */
import type { McpServers } from './mcp-client/open-servers.ts';
import type { Networks } from './networks.ts';
import type { LeftBehind, TaskKeeper } from './task/engine.ts';

/** @returns how many were ended. Those whose server cannot be reached are left for the next time. */
export async function endLeftBehind(
  engine: Pick<TaskKeeper, 'leftBehind' | 'letGo' | 'atWork'>,
  networks: Networks,
): Promise<number> {
  const atWork = new Set(engine.atWork().map(({ id }) => id));
  const left = (await engine.leftBehind()).filter(({ task }) => !atWork.has(task));
  const ended = await Promise.all(
    left.map(async (one) => {
      if (!(await isEnded(networks, one))) return false;
      await engine.letGo(one);
      return true;
    }),
  );
  return ended.filter(Boolean).length;
}

async function isEnded(networks: Networks, { definition, tool, reference }: LeftBehind): Promise<boolean> {
  const name = tool.split('/')[0] ?? '';
  let servers: McpServers;
  try {
    ({ servers } = await networks.of(definition));
  } catch {
    return false;
  }
  return servers.cancelTask(name, reference);
}
