/** `resources/subscribe` on the wire up to 2025-11-25: what a session wants to be told of, for as long as it lasts. */
import { ResourceNotFoundError } from '@modelcontextprotocol/server';
import type { Caller, ServeOptions } from './options.ts';
import { taskIn } from './resources.ts';
import type { AgentServer } from './sdk-seams.ts';
import { tellUpdates } from './task-updates.ts';
import { isTaskOf } from './task-wire.ts';

/** Of one session. */
const mostSubscriptions = 1000;

export function serveSubscriptions2025(agentServer: AgentServer, options: ServeOptions, { owner }: Caller): void {
  const { server } = agentServer;
  const open = new Map<string, AbortController>();
  agentServer.whenClosed(() => {
    for (const over of open.values()) over.abort();
  });

  server.setRequestHandler('resources/subscribe', async ({ params: { uri } }) => {
    const task = taskIn(uri);
    const isOwn = task !== undefined && (await isTaskOf(options, owner, task));
    if (!isOwn) throw new ResourceNotFoundError(uri);
    if (open.has(uri) || open.size >= mostSubscriptions) return {};
    const over = new AbortController();
    open.set(uri, over);
    void tellUpdates(options, owner, task, over.signal, () => {
      server.sendResourceUpdated({ uri }).catch((error: unknown) => {
        options.log.debug({ err: error }, 'a session could not be told of a resource');
      });
    }).finally(() => open.delete(uri));
    return {};
  });

  server.setRequestHandler('resources/unsubscribe', async ({ params: { uri } }) => {
    open.get(uri)?.abort();
    return {};
  });
}
