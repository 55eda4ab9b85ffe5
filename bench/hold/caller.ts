/**
 * A caller of Deputy, by hand: a client library's own cost would be in every latency. It speaks the Tasks extension of
 * 2026-07-28, and 2025-11-25 for the one thing that only that has: the list of all tasks.
 *
 * A server may close a connection that rests, and a request may be on its way there. Every request here can be made
 * again (a start with its key), so it goes out once more on a connection of its own, and is counted.
 */
import { Agent, request as httpRequest } from 'node:http';

export interface TaskSeen {
  taskId: string;
  status: string;
  inputRequests?: Record<string, unknown>;
  result?: { content: { text?: string }[] };
}

export interface Caller {
  /** @returns the id of the task that the call became; with the same key, of the same task. */
  start(agent: string, message: string, idempotencyKey: string): Promise<string>;
  get(taskId: string): Promise<TaskSeen>;
  answer(taskId: string, inputResponses: object): Promise<void>;
  /** Every task by id, as the server lists it, with its status. */
  list(): Promise<Map<string, string>>;
  /** Requests that were made again because the server had just closed the connection. */
  repeated(): number;
  close(): void;
}

type Result = Record<string, unknown>;
interface Answer {
  text: string;
  session: string;
}

const json = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
const declared = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1.0.0' },
  'io.modelcontextprotocol/clientCapabilities': {
    elicitation: { form: {} },
    extensions: { 'io.modelcontextprotocol/tasks': {} },
  },
};

export function callerOf(url: string): Caller {
  const agent = new Agent({ keepAlive: true, maxSockets: 128 });
  let id = 0;
  let repeated = 0;

  /** Without a message it ends a session. */
  const post = (message: object | undefined, headers: Record<string, string>): Promise<Answer> => {
    const body = message === undefined ? '' : JSON.stringify({ jsonrpc: '2.0', ...message });
    return new Promise<Answer>((resolve, reject) => {
      const sent = httpRequest(
        url,
        {
          agent,
          method: message === undefined ? 'DELETE' : 'POST',
          headers: { ...json, ...headers, 'content-length': Buffer.byteLength(body) },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () =>
            resolve({
              text: Buffer.concat(chunks).toString(),
              session: String(response.headers['mcp-session-id'] ?? ''),
            }),
          );
        },
      );
      sent.on('error', (error: NodeJS.ErrnoException) => {
        if (!sent.reusedSocket || !['ECONNRESET', 'EPIPE'].includes(error.code ?? '')) return reject(error);
        repeated += 1;
        return resolve(post(message, headers));
      });
      sent.end(body);
    });
  };

  const ask = async (method: string, params: Record<string, unknown>): Promise<Result> => {
    const name = params['name'] ?? params['taskId'];
    const headers = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': method, 'mcp-name': String(name) };
    return resultIn((await post({ id: ++id, method, params: { _meta: declared, ...params } }, headers)).text, method);
  };

  const list = async (): Promise<Map<string, string>> => {
    const hello = {
      protocolVersion: '2025-11-25',
      // To callers that cannot be asked, a task that waits for a person is one that works.
      capabilities: { elicitation: { form: {} } },
      clientInfo: { name: 'bench', version: '1.0.0' },
    };
    const { session } = await post({ id: ++id, method: 'initialize', params: hello }, {});
    const headers = { 'mcp-session-id': session, 'mcp-protocol-version': '2025-11-25' };
    await post({ method: 'notifications/initialized' }, headers);
    const listed = new Map<string, string>();
    let cursor: unknown;
    do {
      const params = cursor === undefined ? {} : { cursor };
      const page = resultIn((await post({ id: ++id, method: 'tasks/list', params }, headers)).text, 'tasks/list');
      for (const { taskId, status } of page['tasks'] as TaskSeen[]) listed.set(taskId, status);
      cursor = page['nextCursor'];
    } while (cursor !== undefined);
    await post(undefined, headers);
    return listed;
  };

  return {
    async start(name, message, idempotencyKey) {
      const _meta = { ...declared, 'dev.deputy-mcp/idempotencyKey': idempotencyKey };
      const params = { _meta, name, arguments: { message } };
      return String((await ask('tools/call', params))['taskId']);
    },
    get: async (taskId) => (await ask('tasks/get', { taskId })) as unknown as TaskSeen,
    answer: async (taskId, inputResponses) => void (await ask('tasks/update', { taskId, inputResponses })),
    list,
    repeated: () => repeated,
    close: () => agent.destroy(),
  };
}

/** @throws Error an answer that is no result. */
function resultIn(text: string, method: string): Result {
  // One event, where it is a stream: its data is the answer.
  const data = text.startsWith('{') ? text : (/^data: ?(\{.*)$/m.exec(text)?.[1] ?? '');
  const { result, error } = (data === '' ? {} : JSON.parse(data)) as { result?: Result; error?: { message: string } };
  if (result === undefined) throw new Error(`${method}: ${error?.message ?? text.slice(0, 500)}`);
  return result;
}
