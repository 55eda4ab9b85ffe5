/** What callers of both eras say over HTTP, by hand: so that they may repeat themselves, come late and mix up tasks. */
import { initialize, meta, modernHeaders, post2025, sseEvents } from '../../test/mcp-server/wire.ts';

// oxlint-disable-next-line typescript/no-explicit-any -- looked into as it came from the wire
export type Message = Record<string, any>;

export const declares = {
  tasks: { extensions: { 'io.modelcontextprotocol/tasks': {} }, elicitation: {} },
  forms: { elicitation: {} },
  nothing: {},
};

let ids = 0;

/** A 2026 request, to its answer. @returns its result, or undefined where it is an error. */
export async function ask2026(
  url: string,
  method: string,
  params: Message,
  capabilities: Message,
): Promise<Message | undefined> {
  const _meta = meta({
    'io.modelcontextprotocol/clientCapabilities': capabilities,
    'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1' },
  });
  const response = await fetch(url, {
    method: 'POST',
    headers: modernHeaders(method, params['name'] ?? params['taskId']),
    body: JSON.stringify({ jsonrpc: '2.0', id: (ids += 1), method, params: { ...params, _meta } }),
  });
  if (response.headers.get('content-type')?.startsWith('text/event-stream') !== true)
    return ((await response.json()) as Message)['result'] as Message | undefined;
  for await (const message of messagesIn(response)) if ('id' in message) return message['result'];
  return undefined;
}

async function* messagesIn(response: Response): AsyncGenerator<Message> {
  for await (const { data } of sseEvents(response)) if (data !== '') yield JSON.parse(data) as Message;
}

export interface Dialogs2025 {
  /** What the server asks, one by one. */
  asked: AsyncGenerator<{ id: number; message: string }>;
  reply: (id: unknown, result: Message) => Promise<void>;
}

/** Calls an agent in a 2025 session that can be shown forms. */
export async function call2025(url: string, name: string, args: Message): Promise<Dialogs2025> {
  const session = await initialize(url, '2025-11-25', { elicitation: {} });
  if (typeof session !== 'string') throw new Error(`no session: ${session.status}`);
  const params = { name, arguments: args };
  const response = await post2025(url, session, { jsonrpc: '2.0', id: (ids += 1), method: 'tools/call', params });
  return {
    asked: (async function* () {
      for await (const { id, method, params: shown } of messagesIn(response))
        if (method === 'elicitation/create') yield { id, message: String(shown.message) };
    })(),
    reply: async (id, result) => void (await (await post2025(url, session, { jsonrpc: '2.0', id, result })).text()),
  };
}
