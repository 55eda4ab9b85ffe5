/**
 * The scripted model: OpenAI Chat Completions, streamed or not, as the request asks.
 *
 * It has no state: the turn is read off the conversation. Before it goes on, it checks that every echo that it asked for
 * came back under its own id; a conversation that lost one gets an answer that says so, and the bench fails.
 */
import type { ServerResponse } from 'node:http';
import { sendJson, serveJson } from './json-server.ts';
import { answerOf, callsPerTurn, echoOf, modelName, runOf, textOfCall, turns } from './script.ts';

interface ChatRequest {
  messages: { role: string; content?: unknown; tool_call_id?: string }[];
  tools?: { function: { name: string } }[];
  stream?: boolean;
  stream_options?: { include_usage?: boolean };
}

type ToolCall = { id: string; type: 'function'; function: { name: string; arguments: string } };
type Said = { content: string | null; tool_calls?: ToolCall[] };

let answered = 0;

serveJson(
  (body, _request, response) => {
    const request = body as ChatRequest;
    const said = next(request);
    if (request.stream === true) streamed(response, said, request.stream_options?.include_usage === true);
    else sendJson(response, completion({ message: { role: 'assistant', ...said }, finish_reason: finish(said) }));
    answered += 1;
  },
  () => answered,
);

function next({ messages, tools }: ChatRequest): Said {
  const run = runOf(JSON.stringify(messages.find(({ role }) => role === 'user')?.content));
  const tool = tools?.find(({ function: { name } }) => name.endsWith('echo'))?.function.name;
  if (run === undefined || tool === undefined) return { content: 'This is no conversation of the bench.' };
  const turn = messages.filter(({ role }) => role === 'assistant').length;
  const lost = lostEcho(run, turn, messages);
  if (lost !== undefined) return { content: `Run ${run}: the echo of ${lost} did not come back.` };
  if (turn === turns) return { content: answerOf(run) };
  return { content: null, tool_calls: each((call) => toolCall(run, turn, call, tool)) };
}

/** Looks at the newest turn only: the ones before were checked when they were new. */
function lostEcho(run: number, turn: number, messages: ChatRequest['messages']): string | undefined {
  if (turn === 0) return undefined;
  const results = new Map(messages.map(({ tool_call_id, content }) => [tool_call_id, content]));
  return each((call) => call)
    .map((call) => ({ id: idOf(run, turn - 1, call), echo: echoOf(textOfCall(run, turn - 1, call)) }))
    .find(({ id, echo }) => !(JSON.stringify(results.get(id)) ?? '').includes(echo))?.id;
}

const each = <T>(make: (call: number) => T): T[] => Array.from({ length: callsPerTurn }, (_, call) => make(call));
const idOf = (run: number, turn: number, call: number): string => `call_${run}_${turn}_${call}`;

const toolCall = (run: number, turn: number, call: number, name: string): ToolCall => ({
  id: idOf(run, turn, call),
  type: 'function',
  function: { name, arguments: JSON.stringify({ text: textOfCall(run, turn, call) }) },
});

const finish = (said: Said): string => (said.tool_calls === undefined ? 'stop' : 'tool_calls');
const usage = { prompt_tokens: 1_000, completion_tokens: 100, total_tokens: 1_100 };
/** LangGraph takes a message with the id of an earlier one for its replacement. */
const head = () => ({ id: `chatcmpl-${answered}`, created: 1_700_000_000, model: modelName });

const completion = (choice: object): object => ({
  ...head(),
  object: 'chat.completion',
  choices: [{ index: 0, ...choice }],
  usage,
});

/** Each call in three pieces, an answer a word at a time: about how real servers cut them. */
function streamed(response: ServerResponse, said: Said, withUsage: boolean): void {
  const deltas: object[] = [{ role: 'assistant', content: '' }];
  for (const word of said.content?.split(/(?<= )/) ?? []) deltas.push({ content: word });
  for (const [index, call] of (said.tool_calls ?? []).entries()) {
    const { name, arguments: args } = call.function;
    const half = args.length >> 1;
    deltas.push({ tool_calls: [{ index, id: call.id, type: 'function', function: { name, arguments: '' } }] });
    for (const piece of [args.slice(0, half), args.slice(half)])
      deltas.push({ tool_calls: [{ index, function: { arguments: piece } }] });
  }
  const id = head();
  const chunk = (choices: object[], more: object = {}): string =>
    `data: ${JSON.stringify({ ...id, object: 'chat.completion.chunk', choices, ...more })}\n\n`;
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const delta of deltas) response.write(chunk([{ index: 0, delta, finish_reason: null }]));
  response.write(chunk([{ index: 0, delta: {}, finish_reason: finish(said) }]));
  if (withUsage) response.write(chunk([], { usage }));
  response.end('data: [DONE]\n\n');
}
