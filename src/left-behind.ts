/**
 * Wiring: tasks of other servers that tasks of ours left open when they ended are cancelled there. Whoever follows such
 * a task cancels it by itself; this is for those whose process died, and whose server could not be reached, meanwhile.
 */
import { NotFoundError } from './errors.ts';
import type { Networks } from './networks.ts';
import type { LeftBehind, TaskKeeper } from './task/engine.ts';

/** Those whose server cannot be reached are left for the next time. */
export async function endLeftBehind(
  engine: Pick<TaskKeeper, 'leftBehind' | 'letGo'>,
  networks: Networks,
): Promise<void> {
  const left = await engine.leftBehind();
  await Promise.all(left.map(async (one) => (await isEnded(networks, one)) && engine.letGo(one)));
}

async function isEnded(networks: Networks, { definition, tool, reference }: LeftBehind): Promise<boolean> {
  try {
    const { servers } = await networks.of(definition);
    return await servers.cancelTask(tool.split('/')[0] ?? '', reference);
  } catch (error) {
    // Its definition cannot be used now; or it names no such server, and never will.
    return error instanceof NotFoundError;
  }
}
