/** Callers of one agent on the rungs of the ladder that can be asked, made alike: each calls `writer` and decides. */
import { CallToolResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { openPeer2025, startTask } from './peer-2025.ts';
import { forms, httpCaller, tasks, type Message } from './peer-2026.ts';

/**
 * What the host's person does with a form; undefined: nothing yet, where the wire allows it. `signal` fires where the host
 * is told that the form is of no use any more.
 */
export type Decide = (
  asked: { message: string },
  signal?: AbortSignal,
) => Message | undefined | Promise<Message | undefined>;

export interface RungCaller {
  name: string;
  /** Questions are answered one by one, not all together. */
  singly: boolean;
  /** How answers are recorded. */
  via: { channel: string; client: string };
  /** @returns the result of the call, as this wire has it. */
  call: (url: string, decide: Decide) => Promise<Message>;
}

const request = { name: 'writer', arguments: { message: 'go' } };
const both = { ...tasks, ...forms };

/** By the notifications of a subscription, each question answered as soon as its person has decided. */
async function asTask2026(url: string, decide: Decide): Promise<Message> {
  const caller = httpCaller(url);
  const { result: created = {} } = await caller.request('tools/call', request, both);
  const { taskId } = created;
  const shown = new Set<string>();
  const answering: Promise<unknown>[] = [];
  const answer = async (key: string, asked: Message): Promise<void> => {
    const decided = await decide(asked['params']);
    if (decided === undefined) return;
    await caller.request('tasks/update', { taskId, inputResponses: { [key]: decided } }, both);
  };
  for await (const { params } of caller.listen({ taskIds: [taskId] }, both)) {
    for (const [key, asked] of Object.entries((params?.['inputRequests'] ?? {}) as Record<string, Message>)) {
      // A client shows a key once.
      if (!shown.has(key)) answering.push(answer(key, asked));
      shown.add(key);
    }
    if (params?.['status'] !== 'completed') continue;
    await Promise.all(answering);
    return params['result'] as Message;
  }
  throw new Error('The subscription ended before the task.');
}

/** In rounds: all that is asked is answered together. */
async function inRounds2026(url: string, decide: Decide): Promise<Message> {
  const caller = httpCaller(url);
  for (let more: Message = {}; ;) {
    const { result = {} } = await caller.request('tools/call', { ...request, ...more }, forms);
    if (result['resultType'] !== 'input_required') return result;
    const asked = Object.entries((result['inputRequests'] ?? {}) as Record<string, Message>);
    const answers = await Promise.all(asked.map(async ([key, { params }]) => [key, await decide(params)] as const));
    const inputResponses = Object.fromEntries(answers.filter(([, decided]) => decided !== undefined));
    more = { requestState: result['requestState'], inputResponses };
  }
}

const answerOf = (decide: Decide) => async (params: { message: string }, signal: AbortSignal) =>
  (await decide(params, signal)) as { action: 'accept' };

export const rungCallers: RungCaller[] = [
  {
    name: 'rung 1, a 2026 task',
    singly: true,
    via: { channel: 'mcp tasks/update', client: 'by-hand 1' },
    call: asTask2026,
  },
  {
    name: 'rung 2, a 2025 task',
    singly: true,
    via: { channel: 'mcp elicitation/create', client: 'v1-peer 1.0.0' },
    async call(url, decide) {
      const peer = await openPeer2025(url, answerOf(decide));
      const { taskId } = (await startTask(peer, 'writer')).task;
      return peer.client.experimental.tasks.getTaskResult(taskId, CallToolResultSchema);
    },
  },
  {
    name: 'rung 3, a 2026 call in rounds',
    singly: false,
    via: { channel: 'mcp tools/call', client: 'by-hand 1' },
    call: inRounds2026,
  },
  {
    name: 'rung 4, a 2025 call',
    singly: true,
    via: { channel: 'mcp elicitation/create', client: 'v1-peer 1.0.0' },
    call: async (url, decide) => (await openPeer2025(url, answerOf(decide))).call('writer'),
  },
];
