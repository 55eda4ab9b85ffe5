/**
 * The loop on its own records: it says the same again, as a task that goes on after a crash and as the transcript of
 * one that has ended. `durability.test.ts` does the same on the real engine.
 */
import { expect, test } from 'vitest';
import { agentTool } from '../../src/agent/agent-tool.ts';
import type { Agent } from '../../src/agent/agent.ts';
import { runAgent } from '../../src/agent/loop.ts';
import type { Message, ModelReply } from '../../src/agent/model.ts';
import { appendTranscript, conversationOf } from '../../src/agent/transcript.ts';
import type { StepRecord, Task } from '../../src/task/task.ts';
import { asks, calls, Crash, fakeAgent, fakeTool, modelByTurn, ok, rehearsal, says, usage } from './fakes.ts';

/** Two levels, three turns, four calls side by side in two slots, a compaction, an amendment, a misfit, a limit below. */
function network(onEffect: (args: string) => void, limits: object = {}): Agent {
  const tool = fakeTool('t', async (args) => {
    onEffect(JSON.stringify(args));
    await new Promise((resolve) => setImmediate(resolve));
    return ok(`did ${JSON.stringify(args)}`);
  });
  const below = [
    calls([
      ['t', { n: 'b1' }],
      ['t', { n: 'b2' }],
    ]),
    calls([['t', { n: 'b3' }]]),
    says('never said'),
  ];
  const child = fakeAgent({ name: 'child', model: modelByTurn(below), tools: [tool], limits: { toolCalls: 2 } });
  const lines: ModelReply[] = [
    calls([['t', { n: 1 }], ['child', { message: 'x' }], ['nope'], ['t', { wrong: 1 }], ['t', { n: 2 }]]),
    calls(
      [
        ['t', { n: 3 }],
        ['t', { n: 4 }],
        ['t', { n: 5 }],
      ],
      { usage: usage(50, 20) },
    ),
    says('no json'),
    says('{"done":true}'),
  ];
  const spec = { name: 'child', description: '', inputSchema: {}, check: () => undefined };
  return fakeAgent({
    model: modelByTurn(lines),
    tools: [tool],
    agents: [agentTool(() => child, spec)],
    limits: { parallelTools: 2, ...limits },
    output: { schema: {}, check: () => undefined },
  });
}

async function live(agent: Agent) {
  const messages = asks('go');
  const { context, records } = rehearsal();
  const result = await runAgent(agent, messages, context);
  return { messages, records, result };
}

test('after a crash at any record, resumed any number of times, result, messages and records are the same', async () => {
  const expected = await live(network(() => {}));
  const keys = (records: readonly StepRecord[]): string[] => records.map(({ key }) => key).toSorted();
  expect(expected.result.structuredContent).toEqual({ done: true });
  expect(expected.records.length).toBeGreaterThan(15);
  for (let every = 0; every <= expected.records.length; every += 1) {
    const effects: string[] = [];
    let records: StepRecord[] = [];
    let crashes = 0;
    const attempt = async (crashAt: number): Promise<boolean> => {
      const agent = network((args) => {
        const recorded = records.some(({ value }) => JSON.stringify(value).includes(JSON.stringify(`did ${args}`)));
        expect(recorded, `${args} was recorded and runs again`).toBe(false);
        effects.push(args);
      });
      const messages = asks('go');
      const { context, records: made } = rehearsal(records, crashAt);
      try {
        const result = await runAgent(agent, messages, context);
        expect({ result, messages, keys: keys(made) }).toEqual({
          ...expected,
          records: undefined,
          keys: keys(expected.records),
        });
        return true;
      } catch (error) {
        if (!(error instanceof Crash)) throw error;
        records = made;
        crashes += 1;
        return false;
      }
    };
    // First one crash after record `every`; then, on the same task, one more crash at each further record.
    for (let crashAt = every; !(await attempt(crashAt));) crashAt = records.length + 1;
    expect(crashes).toBeGreaterThan(every === expected.records.length ? -1 : 0);
    expect(new Set(effects).size).toBe(7);
  }
});

test('the transcript of a finished task is what was said, word for word', async () => {
  const { messages, records } = await live(network(() => {}));
  const again = asks('go');
  await appendTranscript(
    network(() => expect.unreachable('an effect ran')),
    again,
    records,
  );
  expect(again).toEqual(messages);
});

test('the transcript of a limited task is the same, also under other limits than it had', async () => {
  const { messages, records, result } = await live(network(() => {}, { toolCalls: 6 }));
  expect(result).toMatchObject({ stop: 'limit', limit: 'tool_calls' });
  for (const limits of [{ toolCalls: 6 }, { toolCalls: 1 }, { turns: 1, tokens: 1, cost: 0, time: 0 }, {}]) {
    const again = asks('go');
    await appendTranscript(
      network(() => expect.unreachable('an effect ran'), limits),
      again,
      records,
    );
    expect(again).toEqual(messages);
  }
});

test('the transcript of a task that was cut off keeps each result that it had, and closes the open calls', async () => {
  const { messages, records } = await live(network(() => {}));
  for (let length = 0; length <= records.length; length += 1) {
    const kept = records.slice(0, length);
    const cut: Message[] = asks('go');
    await appendTranscript(
      network(() => expect.unreachable('an effect ran')),
      cut,
      kept,
    );
    for (const [at, message] of cut.entries()) {
      const full = messages[at];
      if (message.role === 'assistant') expect(message).toEqual(full);
      for (const [index, block] of message.content.entries())
        if (JSON.stringify(block).includes('No result')) expect(at).toBe(cut.length - 1);
        else expect(block).toEqual(full?.content[index]);
    }
    // Every call has its result, in call order: no model may be shown less.
    for (const [at, message] of cut.entries()) {
      const asked = message.content.flatMap((block) => (block.type === 'tool_call' ? [block.id] : []));
      const told = (cut[at + 1]?.content ?? []).flatMap((block) =>
        block.type === 'tool_result' ? [block.callId] : [],
      );
      if (asked.length > 0) expect(told).toEqual(asked);
    }
  }
});

test('a refused reply leaves no open call behind', async () => {
  const agent = fakeAgent({ model: modelByTurn([calls([['t']], { stop: 'refusal' })]) });
  const { records } = await live(agent);
  const again = asks('go');
  await appendTranscript(agent, again, records);
  expect(again[2]).toMatchObject({ role: 'user', content: [{ type: 'tool_result', callId: 'c1', isError: true }] });
});

test('a conversation is all of its tasks, oldest first', async () => {
  const agent = network(() => {});
  const { messages, records } = await live(agent);
  const base = { agent: 'agent', owner: 'ann', conversation: '1', createdAt: 0, updatedAt: 0, ttlMs: null } as const;
  const first: Task = { ...base, status: 'cancelled', id: '1', input: { message: 'go' } };
  const second: Task = { ...base, status: 'cancelled', id: '2', input: { message: 'more' }, predecessor: '1' };
  expect(await conversationOf(agent, [])).toEqual([]);
  const before = [
    { task: first, records },
    { task: second, records: [] },
  ];
  expect(await conversationOf(agent, before)).toEqual([...messages, ...asks('more')]);
});
