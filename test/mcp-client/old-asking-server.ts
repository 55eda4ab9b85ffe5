/** A server of 2025 that asks, on the official v1 SDK. Run directly, it serves stdio. */
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import {
  CreateMessageResultSchema,
  ElicitResultSchema,
  UrlElicitationRequiredError,
} from '@modelcontextprotocol/sdk/types.js';
import { nameSchema } from './questions.ts';

/** Milliseconds that the server waits for a person. */
const patience = Number(process.argv[2] ?? '60000');

export function oldAskingServer(): McpServer {
  const mcp = new McpServer({ name: 'old-asks', version: '1' }, { capabilities: { tools: {} } });
  const { server } = mcp;
  const said = (value: unknown) => ({ content: [{ type: 'text' as const, text: JSON.stringify(value) }] });
  const form = (message: string) => ({ mode: 'form' as const, message, requestedSchema: nameSchema });
  const inFlight = { now: 0, most: 0 };
  let opened = 0;

  mcp.registerTool('who', {}, async () => {
    inFlight.now += 1;
    inFlight.most = Math.max(inFlight.most, inFlight.now);
    const answer = await server
      .elicitInput(form('Who are you?'), { timeout: patience })
      .catch((error: unknown) => ({ error: String(error) }));
    inFlight.now -= 1;
    return said({ answer, most: inFlight.most });
  });
  mcp.registerTool('twice', {}, async () =>
    said(await Promise.all([server.elicitInput(form('First?')), server.elicitInput(form('Second?'))])),
  );
  mcp.registerTool('late', {}, async () => {
    setTimeout(() => void server.elicitInput(form('Too late?')).then(late, late), 20);
    return said('answered');
  });
  const heard: unknown[] = [];
  const late = (answer: unknown): void => void heard.push(answer instanceof Error ? answer.message : answer);
  mcp.registerTool('heard', {}, async () => said(heard));
  mcp.registerTool('declared', {}, async () => said(server.getClientCapabilities()));
  mcp.registerTool('thinks', {}, async () =>
    said(
      await server
        .createMessage({ messages: [{ role: 'user', content: { type: 'text', text: 'Think.' } }], maxTokens: 5 })
        .catch((error: unknown) => ({ code: (error as { code: number }).code, message: String(error) })),
    ),
  );
  mcp.registerTool('page', {}, async () => {
    opened += 1;
    if (opened > 1) return said(`opened ${opened}`);
    const page = { mode: 'url' as const, message: 'Sign in', elicitationId: 'e-1', url: 'https://login.example/e-1' };
    throw new UrlElicitationRequiredError([page]);
  });
  mcp.registerTool('page-asked', {}, async () =>
    said(
      await server.elicitInput({
        mode: 'url',
        message: 'Sign in',
        elicitationId: 'e-2',
        url: 'https://login.example/e-2',
      }),
    ),
  );
  for (const [name, method] of [
    ['who-as-task', 'elicitation/create'],
    ['thinks-as-task', 'sampling/createMessage'],
  ] as const)
    mcp.registerTool(name, {}, async () => {
      const states: string[] = [];
      const stream =
        method === 'elicitation/create'
          ? server.experimental.tasks.elicitInputStream(form('As a task?'), { task: { ttl: 60_000 } })
          : server.experimental.tasks.createMessageStream(
              { messages: [{ role: 'user', content: { type: 'text', text: 'Think.' } }], maxTokens: 5 },
              { task: { ttl: 60_000 } },
            );
      for await (const message of stream) {
        if (message.type === 'taskStatus') states.push(message.task.status);
        if (message.type === 'result') return said({ states: states.at(-1), result: message.result });
        if (message.type === 'error') return said({ error: message.error.message });
      }
      return said('nothing');
    });
  mcp.registerTool('task-verbs', {}, async () => {
    const ask = async (method: string, params: object): Promise<unknown> =>
      server
        .request(
          { method, params } as never,
          CreateMessageResultSchema.or(ElicitResultSchema).catch((c) => c.input as never),
        )
        .catch((error: unknown) => (error as { code: number }).code);
    const { task } = (await ask('elicitation/create', { ...form('Cancel me?'), task: {} })) as {
      task: { taskId: string };
    };
    const { taskId } = task;
    const listed = (await ask('tasks/list', {})) as { tasks: { taskId: string }[] };
    const isListed = listed.tasks.some((each) => each.taskId === taskId);
    const cancelled = await ask('tasks/cancel', { taskId });
    const again = await ask('tasks/cancel', { taskId });
    const result = await ask('tasks/result', { taskId });
    const foreign = await ask('tasks/get', { taskId: 'other' });
    return said({ isListed, cancelled, again, result, foreign });
  });
  return mcp;
}

if (import.meta.main) await oldAskingServer().connect(new StdioServerTransport());
