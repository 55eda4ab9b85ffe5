/**
 * The loop on its own records: it says the same again, as a task that goes on after a crash and as the transcript of
 * one that has ended. `durability.test.ts` does the same on the real engine.
 */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { agentTool } from '../../src/agent/agent-tool.ts';
import type { Agent } from '../../src/agent/agent.ts';
import type { Hook, HookSaid } from '../../src/agent/hooks.ts';
import { runAgent } from '../../src/agent/loop.ts';
import { type Message, type Model, ModelError, type ModelReply } from '../../src/agent/model.ts';
import { appendTranscript, conversationOf } from '../../src/agent/transcript.ts';
import { textOf } from '../../src/task/content.ts';
import type { StepRecord, Task } from '../../src/task/task.ts';
import {
  asks,
  calls,
  Crash,
  fakeAgent,
  fakeTool,
  modelByTurn,
  ok,
  type Rehearsal,
  rehearsal,
  says,
  sent,
  usage,
} from './fakes.ts';

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

/** One question to the model: what comes of it, and whether somebody writes to the task meanwhile. */
interface Line {
  what: 'one call' | 'two calls' | 'long result' | 'answer' | 'busy' | 'too long' | 'heavy';
  isInterrupted: boolean;
}

/** A life of a task: the model answers by how often it has answered on record; `before` is what an earlier life left. */
async function scripted(
  script: readonly Line[],
  hooked: boolean,
  before?: Pick<Rehearsal, 'records' | 'inbox' | 'artifacts'>,
) {
  const rehearsed = rehearsal(before?.records, Infinity, undefined, (key) => {
    const decision = key === 'limit 3' ? 'stop' : 'continue';
    return { action: 'accept', content: { decision } };
  });
  rehearsed.inbox.push(...(before?.inbox ?? []));
  for (const [id, whole] of before?.artifacts ?? []) rehearsed.artifacts.set(id, whole);
  const write = (line: number): void => {
    rehearsed.inbox.push({ ...sent(rehearsed.inbox.length + 1, `message ${line}`), at: line });
  };
  const model: Model = {
    id: 'fake/model',
    contextWindow: 20_000,
    generate: async ({ messages }) => {
      if (JSON.stringify(messages.at(-1)).includes('Write a summary')) return says('SUMMARY');
      const at = askedIn(rehearsed.records);
      const { what, isInterrupted } = script[at] ?? { what: 'answer', isInterrupted: false };
      if (isInterrupted) write(at);
      switch (what) {
        case 'busy':
          throw new ModelError('unavailable', 'busy');
        case 'too long':
          throw new ModelError('context_length', 'too long');
        case 'answer':
          return says(`answer ${at}`);
        case 'heavy':
          return calls([['t', { at }]], { usage: usage(18_000, 10) });
        case 'long result':
          return calls([
            ['t', { at, size: 300_000 }],
            ['read_result', { id: `turn 1: call 1/call`, at }],
          ]);
        case 'one call':
          return calls([['t', { at }]]);
        case 'two calls':
          return calls([
            ['t', { at, n: 1 }],
            ['nope', { at }],
            ['t', { at, n: 2 }],
          ]);
      }
    },
  };
  const hook = (said: HookSaid): Hook => ({ name: 'h', matches: () => true, run: () => Promise.resolve(said) });
  const agent = fakeAgent({
    model,
    tools: [fakeTool('t', async ({ size = 1, at }) => ok(`${JSON.stringify(at)} ${'x'.repeat(Number(size))}`))],
    limits: { turns: 3, onLimit: 'ask' },
    hooks: hooked
      ? {
          task_start: [hook({ kind: 'change', value: 'go!' })],
          after_model: [hook({ kind: 'pass' })],
          task_end: [hook({ kind: 'pass' })],
        }
      : {},
  });
  const messages = asks('go');
  const result = await runAgent(agent, messages, rehearsed.context);
  return { ...rehearsed, agent, messages, result };
}

const askedIn = (records: readonly StepRecord[]): number =>
  records.filter(({ key }) => /^turn \d+: model/.test(key)).length;
const valuesOf = (records: readonly StepRecord[]): Map<string, unknown> =>
  new Map(records.map(({ key, value }) => [key, value]));

const lines = fc.array(
  fc.record({
    what: fc.constantFrom<Line['what']>('one call', 'two calls', 'long result', 'answer', 'busy', 'too long', 'heavy'),
    isInterrupted: fc.boolean(),
  }),
  { maxLength: 12 },
);

test('whatever happens in a task, after any prefix of its records it says the same, and so does its transcript', async () => {
  let answered = 0;
  let heard = 0;
  await fc.assert(
    fc.asyncProperty(lines, fc.boolean(), async (script, hooked) => {
      const whole = await scripted(script, hooked);
      answered += whole.result.stop === 'answer' ? 1 : 0;
      heard += JSON.stringify(whole.messages).includes('while you work') ? 1 : 0;
      for (let length = 0; length <= whole.records.length; length += 1) {
        const records = whole.records.slice(0, length);
        const inbox = whole.inbox.filter(({ at }) => at < askedIn(records));
        const again = await scripted(script, hooked, { records, inbox, artifacts: whole.artifacts });
        expect(again.result).toEqual(whole.result);
        expect(again.messages).toEqual(whole.messages);
        expect(valuesOf(again.records)).toEqual(valuesOf(whole.records));
        await appendTranscript(whole.agent, asks('go'), records);
      }
      const again = asks('go');
      await appendTranscript({ ...whole.agent, hooks: {} }, again, whole.records);
      expect(again).toEqual(whole.messages);
    }),
    { numRuns: 30 },
  );
  expect(Math.min(answered, heard)).toBeGreaterThan(2);
}, 120_000);

test('a message that no turn got to answer does not end the transcript at the answer before it', async () => {
  const line = (what: Line['what'], isInterrupted = false): Line => ({ what, isInterrupted });
  const script = [line('one call'), line('answer', true), line('too long'), line('too long')];
  const { agent, messages, records, result } = await scripted(script, false);
  expect(result).toMatchObject({ stop: 'limit', limit: 'context' });
  const again = asks('go');
  await appendTranscript(agent, again, records);
  expect(again).toEqual(messages);
});

test('a transcript needs no summary that was not needed then, though the window is smaller today', async () => {
  const { messages, records } = await live(network(() => {}));
  const again = asks('go');
  const agent = network(() => expect.unreachable('an effect ran'));
  await appendTranscript({ ...agent, model: { ...agent.model, contextWindow: 10 } }, again, records);
  expect(again).toEqual(messages);
});

test('a call that was approved, tried again or changed by a hook is told as what it came to in the end', async () => {
  const agent = fakeAgent({ model: modelByTurn([]) });
  const reply = calls([['t'], ['t'], ['t'], ['t']]);
  const step = (key: string, value: unknown): StepRecord => ({ key, value: value as StepRecord['value'], at: 1 });
  const asking = { ...ok('waits'), asks: { bytes: '{}' } };
  const again = asks('go');
  await appendTranscript(agent, again, [
    step('turn 1: model', { kind: 'reply', reply }),
    step('turn 1: call 1/call', asking),
    step('turn 1: call 1/call 2', ok('approved')),
    step('turn 1: call 2/call', ok('raw')),
    step('turn 1: call 2/after_tool', ok('changed')),
    step('turn 1: call 3/call', { ...ok('lost'), unknown: 'timed out' }),
    step('turn 1: call 3/settled', ok('happened')),
    step('turn 1: call 4/call', asking),
  ]);
  const told = again[2]?.content.map((block) => (block.type === 'tool_result' ? textOf(block.content) : ''));
  expect(told).toEqual(['approved', 'changed', 'happened', 'No result: the task ended before this call did.']);
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
