/** The operator's hooks around a task and its turns: they watch, change and deny, and a replay does not ask them again. */
import { describe, expect, test } from 'vitest';
import { agentTool } from '../../src/agent/agent-tool.ts';
import { entriesOf } from '../../src/agent/entries.ts';
import type { Hook, HookInput, HookPlace, HookSaid, Hooks } from '../../src/agent/hooks.ts';
import { runAgent } from '../../src/agent/loop.ts';
import { runHooks } from '../../src/agent/run-hooks.ts';
import { appendTranscript } from '../../src/agent/transcript.ts';
import { text, textOf } from '../../src/task/content.ts';
import { asks, calls, fakeAgent, fakeModel, fakeTool, rehearsal, says } from './fakes.ts';

const pass: HookSaid = { kind: 'pass' };
const deny: HookSaid = { kind: 'deny', reason: 'not today' };
const changeTo = (value: string): HookSaid => ({ kind: 'change', value });

function hook(said: HookSaid | ((input: HookInput) => HookSaid), name = 'guard.ts'): Hook & { seen: HookInput[] } {
  const seen: HookInput[] = [];
  return {
    name,
    seen,
    matches: () => true,
    run: async (input) => {
      seen.push(structuredClone(input));
      return typeof said === 'function' ? said(input) : said;
    },
  };
}

async function run(hooks: Hooks, lines = [calls([['t']]), says('the answer')], parts = {}) {
  const model = fakeModel(lines);
  const agent = fakeAgent({ model, tools: [fakeTool('t')], hooks, ...parts });
  const rehearsed = rehearsal();
  const messages = asks('go');
  const result = await runAgent(agent, messages, rehearsed.context);
  const again = asks('go');
  await appendTranscript({ ...agent, hooks: {} }, again, rehearsed.records);
  const keys = rehearsed.records.map(({ key }) => key);
  return { ...rehearsed, agent, model, result, messages, again, keys, said: textOf(result.content) };
}

test('where there are no hooks nothing of them is recorded', async () => {
  expect((await run({})).keys).toEqual(['turn 1: model', 'turn 1: call 1/call', 'turn 2: model']);
});

test('each place is seen once, with who works for whom, and recorded under its turn', async () => {
  const places: HookPlace[] = ['task_start', 'before_model', 'after_model', 'task_end'];
  const hooks = Object.fromEntries(places.map((place) => [place, [hook(pass)]])) as Record<
    HookPlace,
    [ReturnType<typeof hook>]
  >;
  const { keys, result, messages, again } = await run(hooks);
  expect(keys).toEqual([
    'turn 0: task_start',
    'turn 1: model',
    'turn 1: after_model',
    'turn 1: call 1/call',
    'turn 2: model',
    'turn 2: after_model',
    'turn 2: task_end',
  ]);
  const who = { agent: 'agent', task: 't', owner: 'ann' };
  expect(hooks.task_start[0].seen).toEqual([{ ...who, place: 'task_start', message: 'go' }]);
  expect(hooks.before_model[0].seen).toMatchObject([
    { ...who, place: 'before_model', turn: 1, messages: asks('go') },
    { turn: 2, messages: messages.slice(0, 3) },
  ]);
  expect(hooks.after_model[0].seen).toMatchObject([
    { ...who, place: 'after_model', turn: 1, content: [{ type: 'tool_call', name: 't' }] },
    { turn: 2, content: [text('the answer')] },
  ]);
  expect(hooks.task_end[0].seen).toEqual([{ ...who, place: 'task_end', result: 'the answer', stop: 'answer' }]);
  expect(result.stop).toBe('answer');
  expect(again).toEqual(messages);
});

describe('a change', () => {
  test('of the message is what the model is asked; attachments stay; the transcript has it', async () => {
    const image = { type: 'image' as const, data: 'aGk=', mimeType: 'image/png' };
    const model = fakeModel([says('done')]);
    const agent = fakeAgent({ model, hooks: { task_start: [hook(changeTo('go [redacted]'))] } });
    const { context, records } = rehearsal();
    const request = (): ReturnType<typeof asks> => [{ role: 'user', content: [text('go'), text('secret'), image] }];
    const messages = request();
    await runAgent(agent, messages, context);
    expect(model.asked[0]?.messages).toEqual([{ role: 'user', content: [text('go [redacted]'), image] }]);
    const again = request();
    await appendTranscript({ ...agent, hooks: {} }, again, records);
    expect(again).toEqual(messages);
  });

  test('of the answer is what the caller gets', async () => {
    const { result } = await run({ task_end: [hook(changeTo('the [redacted]'))] });
    expect(result).toMatchObject({ stop: 'answer', content: [text('the [redacted]')] });
  });

  test('of an answer with a shape must fit it', async () => {
    const output = {
      schema: {},
      check: (value: unknown) => (JSON.stringify(value).includes('n') ? undefined : 'n is missing'),
    };
    const shaped = (value: string) =>
      run({ task_end: [hook(changeTo(value))] }, [says('{"n":1}')], { output }).then(({ result }) => result);
    expect(await shaped('{"n":2}')).toMatchObject({ stop: 'answer', structuredContent: { n: 2 } });
    const misfit = await shaped('{}');
    expect(misfit).toMatchObject({ isError: true, stop: 'denied' });
    expect(textOf(misfit.content)).toContain('n is missing');
  });
});

describe('a denial', () => {
  test.each([
    ['task_start', 0, 0],
    ['before_model', 0, 0],
    ['after_model', 1, 0],
    ['task_end', 2, 1],
  ] as const)('at %s ends the work with its reason, on record', async (place, asked, ran) => {
    const { result, said, model, records, notes, messages, again } = await run({ [place]: [hook(deny)] });
    expect(result).toMatchObject({ isError: true, stop: 'denied' });
    // Not with the words that were denied.
    expect(said).toBe('agent was stopped by a hook: guard.ts: not today');
    expect(model.asked).toHaveLength(asked);
    expect(records.filter(({ key }) => key.endsWith('/call'))).toHaveLength(ran);
    expect(notes).toMatchObject([{ action: 'denied', agent: 'agent', rule: `hook ${place}` }]);
    expect(result).not.toHaveProperty('structuredContent');
    if (place !== 'after_model') expect(again).toEqual(messages);
    const entries = entriesOf({ task: {} as never, steps: records, intents: new Map(), questions: [], sent: [] });
    expect(entries.filter(({ kind }) => kind === 'stop')).toMatchObject([
      { kind: 'stop', message: expect.stringContaining('not today') as string },
    ]);
  });

  test('of a nested agent is a failed call of its caller', async () => {
    const child = fakeAgent({ name: 'child', model: fakeModel([]), hooks: { task_start: [hook(deny)] } });
    const spec = { name: 'child', description: '', inputSchema: {}, check: () => undefined };
    const lines = [calls([['child', { message: 'x' }]]), says('up')];
    const { result, messages } = await run({}, lines, { agents: [agentTool(() => child, spec)] });
    expect(result.stop).toBe('answer');
    expect(JSON.stringify(messages[2])).toContain('child was stopped by a hook');
  });
});

describe('a row of hooks', () => {
  const input: HookInput = { place: 'task_start', agent: 'a', task: 't', owner: 'o', message: 'one' };
  const { signal } = new AbortController();

  test('a change is what the next one sees, and the last change counts', async () => {
    const adds = (word: string) => hook(({ message }) => changeTo(`${message as string} ${word}`));
    const row = [adds('two'), hook(pass), adds('three')];
    expect(await runHooks(row, input, signal)).toEqual(changeTo('one two three'));
    expect(row.map(({ seen }) => seen[0]?.['message'])).toEqual(['one', 'one two', 'one two']);
  });

  test('a denial ends it', async () => {
    const last = hook(pass);
    expect(await runHooks([hook(changeTo('x')), hook(deny, 'second'), last], input, signal)).toEqual({
      kind: 'deny',
      reason: 'second: not today',
    });
    expect(last.seen).toEqual([]);
  });

  test.each([
    ['task_start', 3, 'its change at task_start must be a text'],
    ['before_tool', 'x', 'its change at before_tool must be an object'],
    ['before_model', 'x', 'before_model cannot change anything'],
  ] as const)('a change that does not fit %s denies', async (place, value, why) => {
    const said = await runHooks([hook({ kind: 'change', value })], { ...input, place }, signal);
    expect(said).toEqual({ kind: 'deny', reason: `guard.ts: ${why}` });
  });
});

test('a replay does not ask a hook again', async () => {
  const first = await run({ task_start: [hook(changeTo('other'))], task_end: [hook(changeTo('end'))] });
  const never = hook(() => expect.unreachable('a hook was asked again'));
  const agent = { ...first.agent, hooks: { task_start: [never], task_end: [never] } };
  const result = await runAgent(agent, asks('go'), rehearsal(first.records).context);
  expect(result).toEqual(first.result);
});
