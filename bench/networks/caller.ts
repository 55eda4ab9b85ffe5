/** Who calls the top of a network, by hand: the Tasks extension of 2026-07-28, with every answer as it came. */
export interface Question {
  method: string;
  params: { message?: string };
}

export interface TaskSeen {
  taskId: string;
  status: 'working' | 'input_required' | 'completed' | 'failed' | 'cancelled';
  inputRequests?: Record<string, Question>;
  result?: { content: { text?: string }[]; isError?: boolean; _meta?: Record<string, unknown> };
  error?: { message: string };
}

export interface Caller {
  /** @returns the id of the task that the call became. */
  start(agent: string, message: string): Promise<string>;
  get(taskId: string): Promise<TaskSeen>;
  answer(taskId: string, inputResponses: object): Promise<void>;
  /** @returns when it is acknowledged. */
  cancel(taskId: string): Promise<void>;
  /** The task once `is` holds of it. @throws Error it does not within ten minutes: it is stuck, not late. */
  awaited(taskId: string, is: (task: TaskSeen) => boolean): Promise<TaskSeen>;
}

const declared = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1.0.0' },
  'io.modelcontextprotocol/clientCapabilities': {
    elicitation: { form: {} },
    extensions: { 'io.modelcontextprotocol/tasks': {} },
  },
};
const patienceMs = 600_000;

export const isEnded = ({ status }: TaskSeen): boolean => status !== 'working' && status !== 'input_required';

export const textOf = ({ result, error }: TaskSeen): string =>
  result?.content.map(({ text = '' }) => text).join('') ?? error?.message ?? '';

export function callerOf(url: string): Caller {
  let id = 0;
  const ask = async (method: string, params: Record<string, unknown>): Promise<Record<string, unknown>> => {
    const name = params['name'] ?? params['taskId'];
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': method,
        'mcp-name': String(name),
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: ++id, method, params: { _meta: declared, ...params } }),
    });
    return resultIn(await response.text(), method);
  };
  const get = async (taskId: string): Promise<TaskSeen> => (await ask('tasks/get', { taskId })) as unknown as TaskSeen;
  return {
    async start(agent, message) {
      const started = await ask('tools/call', { name: agent, arguments: { message } });
      if (typeof started['taskId'] !== 'string') throw new Error(`no task: ${JSON.stringify(started)}`);
      return started['taskId'];
    },
    get,
    answer: async (taskId, inputResponses) => void (await ask('tasks/update', { taskId, inputResponses })),
    cancel: async (taskId) => void (await ask('tasks/cancel', { taskId })),
    async awaited(taskId, is) {
      const until = Date.now() + patienceMs;
      for (let pauseMs = 20; ; pauseMs = Math.min(300, pauseMs * 1.3)) {
        const task = await get(taskId);
        if (is(task)) return task;
        if (Date.now() > until) throw new Error(`stuck after ${patienceMs / 1000} s: ${JSON.stringify(task)}`);
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    },
  };
}

/** @throws Error an answer that is no result. */
function resultIn(text: string, method: string): Record<string, unknown> {
  // One event, where it is a stream: its data is the answer.
  const data = text.startsWith('{') ? text : (/^data: ?(\{.*)$/m.exec(text)?.[1] ?? '{}');
  const { result, error } = JSON.parse(data) as { result?: Record<string, unknown>; error?: { message: string } };
  if (result === undefined) throw new Error(`${method}: ${error?.message ?? text.slice(0, 500)}`);
  return result;
}
