/** What people send to a running task is heard before the next turn, recorded with it, and never lost. */
import { expect, test } from 'vitest';
import { agentTool } from '../../src/agent/agent-tool.ts';
import { entriesOf } from '../../src/agent/entries.ts';
import { runAgent } from '../../src/agent/loop.ts';
import { ModelError, type ModelReply } from '../../src/agent/model.ts';
import { appendTranscript } from '../../src/agent/transcript.ts';
import { text } from '../../src/task/content.ts';
import type { Sent } from '../../src/task/question.ts';
import { asks, calls, fakeAgent, fakeModel, fakeTool, ok, rehearsal, says, sent, usage } from './fakes.ts';

const heard = (words: string) => text(`[Message from ann while you work]: ${words}`);

/** Sends the words as the model writes that reply: it cannot have heard them. */
const meanwhile = (inbox: Sent[], words: string, reply: ModelReply) => (): ModelReply => {
  inbox.push(sent(inbox.length + 1, words));
  return reply;
};

async function run(lines: (inbox: Sent[]) => Parameters<typeof fakeModel>[0], parts = {}, window?: number) {
  const rehearsed = rehearsal();
  const model = fakeModel(lines(rehearsed.inbox), window);
  const agent = fakeAgent({ model, tools: [fakeTool('t', async () => ok('did'))], ...parts });
  const messages = asks('go');
  const result = await runAgent(agent, messages, rehearsed.context);
  const again = asks('go');
  await appendTranscript(agent, again, rehearsed.records);
  return { ...rehearsed, agent, model, result, messages, again, keys: rehearsed.records.map(({ key }) => key) };
}

test('a message is put before the next turn, behind the results, and recorded with the reply to it', async () => {
  const { messages, again, records, keys, result } = await run((inbox) => [
    meanwhile(inbox, 'use metres', calls([['t']])),
    says('in metres'),
  ]);
  expect(messages.slice(2)).toEqual([
    {
      role: 'user',
      content: [{ type: 'tool_result', callId: 'c1', content: [text('did')], isError: false }, heard('use metres')],
    },
    says('in metres').message,
  ]);
  expect(again).toEqual(messages);
  expect(keys).toEqual(['turn 1: model', 'turn 1: call 1/call', 'turn 2: model']);
  expect(records[0]?.value).not.toHaveProperty('heard');
  expect(records[2]?.value).toMatchObject({ kind: 'reply', heard: [{ seq: 1, text: 'use metres' }] });
  expect(result.stop).toBe('answer');
});

test('what was sent before the first turn is heard in it, several at once and in their order', async () => {
  const { context, inbox } = rehearsal();
  inbox.push(sent(1, 'one'), sent(2, 'two'));
  const model = fakeModel([says('done')]);
  await runAgent(fakeAgent({ model }), asks('go'), context);
  expect(model.asked[0]?.messages).toEqual([{ role: 'user', content: [text('go'), heard('one'), heard('two')] }]);
});

test('a message that comes while the answer is written gets one more turn: nothing is lost', async () => {
  const { messages, again, result, model } = await run((inbox) => [
    meanwhile(inbox, 'in French please', says('the answer')),
    says('la réponse'),
  ]);
  expect(result).toMatchObject({ stop: 'answer', content: [text('la réponse')] });
  expect(model.asked[1]?.messages.slice(1)).toEqual([
    says('the answer').message,
    { role: 'user', content: [heard('in French please')] },
  ]);
  expect(again).toEqual(messages);
});

test('where no further turn may be taken, the answer stands', async () => {
  const { result } = await run((inbox) => [meanwhile(inbox, 'wait', says('the answer'))], { limits: { turns: 1 } });
  expect(result).toMatchObject({ stop: 'answer', content: [text('the answer')] });
});

test('a try that got no reply heard nothing: the next one hears it', async () => {
  const { messages, records } = await run((inbox) => [
    (): never => {
      inbox.push(sent(1, 'hello'));
      throw new ModelError('unavailable', 'overloaded');
    },
    says('done'),
  ]);
  expect(records.map(({ value }) => (value as { heard?: unknown }).heard)).toEqual([undefined, [sent(1, 'hello')]]);
  expect(messages[0]?.content).toEqual([text('go'), heard('hello')]);
});

test("only the task's own agent hears", async () => {
  const rehearsed = rehearsal();
  const below = fakeModel([meanwhile(rehearsed.inbox, 'stop that', calls([['nope']])), says('below')]);
  const child = fakeAgent({ name: 'child', model: below });
  const spec = { name: 'child', description: '', inputSchema: {}, check: () => undefined };
  const model = fakeModel([calls([['child', { message: 'x' }]]), says('up')]);
  await runAgent(fakeAgent({ model, agents: [agentTool(() => child, spec)] }), asks('go'), rehearsed.context);
  expect(JSON.stringify(below.asked)).not.toContain('stop that');
  expect(model.asked[1]?.messages.at(-1)?.content.at(-1)).toEqual(heard('stop that'));
});

test('a summary keeps them word for word', async () => {
  const big = (words: string) => says(words, { usage: usage(850, 10) });
  const { messages, again } = await run(
    (inbox) => [
      meanwhile(inbox, 'keep <this> word', calls([['t']])),
      { ...calls([['t']]), usage: usage(850, 10) },
      says('SUMMARY'),
      big('done'),
    ],
    {},
    1_000,
  );
  expect(messages[0]?.content).toEqual([
    text('go'),
    heard('keep <this> word'),
    text('Summary of the work so far:\n\nSUMMARY'),
  ]);
  expect(again).toEqual(messages);
});

test('a message is heard once, after any crash, whatever came since', async () => {
  const script = (inbox: Sent[]) => [
    meanwhile(inbox, 'first', calls([['t', { n: 1 }]])),
    meanwhile(inbox, 'second', calls([['t', { n: 2 }]])),
    meanwhile(inbox, 'third', says('too early')),
    says('done'),
  ];
  const whole = await run(script);
  for (let length = 0; length <= whole.records.length; length += 1) {
    const given = whole.records.slice(0, length);
    const asked = given.filter(({ key }) => key.endsWith('model')).length;
    const second = rehearsal(given);
    // All that was sent before the crash is there from the first moment on.
    second.inbox.push(...whole.inbox.slice(0, asked));
    const model = fakeModel(script(second.inbox).slice(asked));
    const messages = asks('go');
    const result = await runAgent({ ...whole.agent, model }, messages, second.context);
    expect(result).toEqual(whole.result);
    expect(messages).toEqual(whole.messages);
  }
});

test('one that comes after the answer, but before the end is stored, is heard when the task goes on', async () => {
  const first = await run(() => [says('the answer')]);
  const second = rehearsal(first.records);
  second.inbox.push(sent(1, 'one more thing'));
  const model = fakeModel([says('and that')]);
  const result = await runAgent({ ...first.agent, model }, asks('go'), second.context);
  expect(result.content).toEqual([text('and that')]);
});

test('entries show each message, and the turn that read it', async () => {
  const { records, inbox } = await run((inbox) => [meanwhile(inbox, 'use metres', calls([['t']])), says('ok')]);
  const unread = sent(2, 'too late');
  const record = { steps: records, intents: new Map(), questions: [], sent: [...inbox, unread] };
  const entries = entriesOf({ task: {} as never, ...record });
  expect(entries.filter(({ kind }) => kind === 'sent')).toMatchObject([
    { kind: 'sent', path: '', text: 'use metres', by: { owner: 'ann' }, turn: 2 },
    { kind: 'sent', text: 'too late' },
  ]);
  expect(entries.find((entry) => entry.kind === 'sent' && entry.text === 'too late')).not.toHaveProperty('turn');
});
