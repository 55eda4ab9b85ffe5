/** A server of 2025 with tasks, on the official v1 SDK. Run directly, it serves stdio. */
import { InMemoryTaskMessageQueue, InMemoryTaskStore } from '@modelcontextprotocol/sdk/experimental/tasks';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { ElicitResultSchema } from '@modelcontextprotocol/sdk/types.js';

export interface OldWorld {
  store: InMemoryTaskStore;
  queue: InMemoryTaskMessageQueue;
  /** Names of tools in the order of their calls. */
  calls: string[];
}

export const newOldWorld = (): OldWorld => ({
  store: new InMemoryTaskStore(),
  queue: new InMemoryTaskMessageQueue(),
  calls: [],
});

interface Work {
  id: string;
  end: (status: 'completed' | 'failed', text: string) => Promise<void>;
  set: (status: 'input_required' | 'cancelled', message?: string) => Promise<void>;
}

export function oldTaskServer(world: OldWorld): McpServer {
  const server = new McpServer(
    { name: 'old-tasks', version: '1' },
    {
      capabilities: { tools: {}, tasks: { list: {}, cancel: {}, requests: { tools: { call: {} } } } },
      taskStore: world.store,
      taskMessageQueue: world.queue,
    },
  );
  const said = (text: string) => ({ content: [{ type: 'text' as const, text }] });
  const tool = (
    name: string,
    taskSupport: 'optional' | 'required',
    work: (work: Work) => unknown,
    pollInterval = 10,
  ): void => {
    server.experimental.tasks.registerToolTask(
      name,
      { execution: { taskSupport } },
      {
        createTask: async ({ taskStore }) => {
          world.calls.push(name);
          const task = await taskStore.createTask({ pollInterval });
          const id = task.taskId;
          void work({
            id,
            end: (status, text) =>
              taskStore.storeTaskResult(id, status, { ...said(text), isError: status === 'failed' }),
            set: (status, message) => taskStore.updateTaskStatus(id, status, message),
          });
          return { task };
        },
        getTask: async ({ taskStore, taskId }) => taskStore.getTask(taskId),
        getTaskResult: async ({ taskStore, taskId }) => (await taskStore.getTaskResult(taskId)) as never,
      },
    );
  };
  const soon = (act: () => unknown): NodeJS.Timeout => setTimeout(act, 30);

  server.registerTool('plain', {}, async () => (world.calls.push('plain'), said('plain')));
  tool('must', 'required', ({ end }) => soon(() => end('completed', 'must')));
  for (const name of ['may', 'may-read', 'may-again'])
    tool(name, 'optional', ({ end }) => soon(() => end('completed', 'may')));
  tool('told', 'required', ({ end }) => soon(() => end('completed', 'told')), 60_000);
  tool('fails', 'required', ({ end }) => soon(() => end('failed', 'no flour')));
  tool('leaves', 'required', ({ set }) => soon(() => set('cancelled', 'the cook left')));
  tool('slow', 'required', () => {});
  tool('waits', 'required', ({ set }) => soon(() => set('input_required', 'for the cook')));
  tool('forgets', 'required', () => world.store.cleanup());
  tool('asks', 'required', async ({ id, end, set }) => {
    const params = { mode: 'form' as const, message: 'Rye?', requestedSchema: { type: 'object', properties: {} } };
    const asked = server.server.request({ method: 'elicitation/create', params: params as never }, ElicitResultSchema, {
      relatedTask: { taskId: id },
    });
    await set('input_required');
    await asked.then(
      ({ action }) => end('completed', action),
      (error: unknown) => end('completed', `went on without: ${String(error)}`),
    );
  });
  return server;
}

if (import.meta.main) await oldTaskServer(newOldWorld()).connect(new StdioServerTransport());
