/**
 * The model of every agent of the network, as an endpoint (Chat Completions, streamed or not): it does what the plan in
 * the message says, and counts what it gave.
 */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import { answerOf, argsOf, type Plan } from '../networks/plan.ts';

export interface Asked {
  /** `Plan.say` of the agent that asked, and its turn. */
  name: string;
  turn: number;
  tokens: number;
}

export interface Endpoint {
  url: string;
  /** In the order in which they came. */
  asked: readonly Asked[];
  close(): void;
}

interface Chat {
  messages: { role: string; content?: unknown }[];
  tools?: { function: { name: string } }[];
  stream?: boolean;
  max_tokens?: number;
}
type Wire = { id: string; type: 'function'; function: { name: string; arguments: string } };
interface Said {
  content: string | null;
  tool_calls?: Wire[];
}

/** Milliseconds, at most. */
const slowest = 20;

export async function startEndpoint(): Promise<Endpoint> {
  const asked: Asked[] = [];
  const answer = async (chat: Chat, response: ServerResponse): Promise<void> => {
    const { plan, turn, said } = replyTo(chat);
    const [input, wanted] = plan.tokens ?? [1, 1];
    const output = Math.min(wanted, chat.max_tokens ?? wanted);
    asked.push({ name: plan.say, turn, tokens: input + output });
    await wait(Math.random() * slowest);
    const usage = { prompt_tokens: input, completion_tokens: output, total_tokens: input + output };
    send(response, said, usage, chat.stream === true);
  };
  const server = createServer({ keepAliveTimeout: 600_000 }, (request, response) => {
    response.on('error', () => undefined);
    json(request)
      .then((body) => answer(body as Chat, response))
      .catch((error: unknown) => {
        const body = JSON.stringify({ error: { message: String(error), type: 'invalid_request_error' } });
        response.writeHead(400, { 'content-type': 'application/json' }).end(body);
      });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    asked,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

function replyTo({ messages, tools = [] }: Chat): { plan: Plan; turn: number; said: Said } {
  const plan = JSON.parse(wordsOf(messages.find(({ role }) => role === 'user')?.content)) as Plan;
  const turn = messages.filter(({ role }) => role === 'assistant').length;
  const calls = plan.turns[turn];
  if (calls === undefined) {
    const results = messages.filter(({ role }) => role === 'tool').map(({ content }) => wordsOf(content));
    return { plan, turn, said: { content: answerOf(plan, results) } };
  }
  const tool_calls = calls.map((call, index): Wire => {
    const name = tools.find((tool) => plain(tool.function.name) === plain(call.tool))?.function.name ?? call.tool;
    const args = JSON.stringify(argsOf(call, turn));
    return { id: `call_${turn}_${index}`, type: 'function', function: { name, arguments: args } };
  });
  return { plan, turn, said: { content: null, tool_calls } };
}

const plain = (name: string): string => name.replaceAll(/[^a-zA-Z0-9]+/g, '_');

const wordsOf = (content: unknown): string =>
  typeof content === 'string'
    ? content
    : ((content ?? []) as { text?: string }[]).map(({ text = '' }) => text).join('');

const head = { id: 'chatcmpl-1', created: 1_700_000_000, model: 'counted' };

function send(response: ServerResponse, said: Said, usage: object, isStreamed: boolean): void {
  const finish_reason = said.tool_calls === undefined ? 'stop' : 'tool_calls';
  if (!isStreamed) {
    const choices = [{ index: 0, message: { role: 'assistant', ...said }, finish_reason }];
    const body = JSON.stringify({ ...head, object: 'chat.completion', choices, usage });
    response.writeHead(200, { 'content-type': 'application/json' }).end(body);
    return;
  }
  const chunk = (choices: object[], more: object = {}): string =>
    `data: ${JSON.stringify({ ...head, object: 'chat.completion.chunk', choices, ...more })}\n\n`;
  const tool_calls = said.tool_calls?.map((call, index) => ({ index, ...call }));
  const delta = { role: 'assistant', content: said.content, ...(tool_calls !== undefined && { tool_calls }) };
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write(chunk([{ index: 0, delta, finish_reason: null }]));
  response.write(chunk([{ index: 0, delta: {}, finish_reason }]));
  response.write(chunk([], { usage }));
  response.end('data: [DONE]\n\n');
}
