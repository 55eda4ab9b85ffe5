/** `model: client`: an agent that thinks with its caller's model, and what it makes of all that may come back. */
import { describe, expect, test } from 'vitest';
import { agentTool } from '../../src/agent/agent-tool.ts';
import type { Agent } from '../../src/agent/agent.ts';
import { clientModel } from '../../src/agent/client-model.ts';
import { runAgent } from '../../src/agent/loop.ts';
import type { Model } from '../../src/agent/model.ts';
import { planModel } from '../../src/agent/plan-model.ts';
import { appendTranscript } from '../../src/agent/transcript.ts';
import type { Json, JsonObject } from '../../src/json.ts';
import { text, textOf } from '../../src/task/content.ts';
import type { InputRequest, InputResponse } from '../../src/task/question.ts';
import { noUsage } from '../../src/task/usage.ts';
import { asks, calls, Crash, fakeAgent, fakeModel, fakeTool, ok, rehearsal, says, sent, usage } from './fakes.ts';

const words = (value: string): JsonObject => ({ type: 'text', text: value });
const use = (name: string, input: Json, id = 'u1'): JsonObject => ({ type: 'tool_use', id, name, input });
const reply = (content: Json, more: JsonObject = {}): InputResponse => ({
  action: 'accept',
  content: { role: 'assistant', content, model: 'theirs', stopReason: 'endTurn', ...more },
});

interface Asked {
  key: string;
  params: JsonObject;
}

/** The caller's model says its lines by the turn that the conversation has come to. */
function caller(lines: readonly InputResponse[]) {
  const asked: Asked[] = [];
  const answer = (key: string, request: InputRequest): InputResponse => {
    if (request.kind !== 'sampling') throw new Error(`${key} is no question to a model`);
    asked.push({ key, params: structuredClone(request.params) });
    const messages = request.params['messages'] as JsonObject[];
    const line = lines[messages.filter(({ role }) => role === 'assistant').length];
    if (line === undefined) throw new Error('the caller has no more lines');
    return line;
  };
  return { asked, answer };
}

const messagesIn = (asked: Asked | undefined): JsonObject[] => (asked?.params['messages'] ?? []) as JsonObject[];

async function run(lines: readonly InputResponse[], parts: Parameters<typeof fakeAgent>[0] = {}) {
  const { asked, answer } = caller(lines);
  const rehearsed = rehearsal([], Infinity, undefined, answer);
  const agent = fakeAgent({ model: clientModel, tools: [fakeTool('t')], ...parts });
  const result = await runAgent(agent, asks('go'), rehearsed.context);
  return { ...rehearsed, agent, asked, result, said: textOf(result.content) };
}

test('the conversation is put to the caller, turn by turn, with the tools, and nothing is counted', async () => {
  const { asked, result } = await run([reply(use('t', { n: 1 })), reply(words('done'))]);
  expect(result).toMatchObject({ stop: 'answer', content: [text('done')], usage: noUsage });
  expect(asked.map(({ key }) => key)).toEqual(['turn 1: sampling', 'turn 2: sampling']);
  const tools = [{ name: 't', description: 't', inputSchema: { type: 'object' } }];
  const request = { role: 'user', content: words('go') };
  expect(asked[0]?.params).toEqual({ systemPrompt: 'Be brief.', messages: [request], maxTokens: 8_192, tools });
  expect(asked[1]?.params['messages']).toEqual([
    request,
    { role: 'assistant', content: use('t', { n: 1 }) },
    { role: 'user', content: { type: 'tool_result', toolUseId: 'u1', content: [words('{"n":1}')] } },
  ]);
});

test('without tools none are named: some callers cannot be sent any', async () => {
  const { asked } = await run([reply(words('hi'))], { tools: [] });
  expect(asked[0]?.params).not.toHaveProperty('tools');
});

test('the shape of the answer is told, and an answer that does not fit is put right', async () => {
  const schema = { type: 'object', required: ['n'] };
  const check = (value: Json) => ((value as JsonObject)['n'] === 1 ? undefined : 'n must be 1');
  const { asked, result } = await run([reply(words('{"n":2}')), reply(words('{"n":1}'))], {
    output: { schema, check },
  });
  expect(asked[0]?.params['systemPrompt']).toContain(JSON.stringify(schema));
  expect(result).toMatchObject({ stop: 'answer', structuredContent: { n: 1 } });
});

test('results stand alone: what people send follows them in a message of its own', async () => {
  const { asked, answer } = caller([reply([use('t', {}), use('t', {}, 'u2')]), reply(words('done'))]);
  const rehearsed = rehearsal([], Infinity, undefined, answer);
  const tool = fakeTool('t', async () => {
    rehearsed.inbox.push(sent(rehearsed.inbox.length + 1, 'hurry'));
    return ok('did');
  });
  await runAgent(fakeAgent({ model: clientModel, tools: [tool] }), asks('go'), rehearsed.context);
  const [, , results, said] = messagesIn(asked[1]);
  expect(results?.['content']).toMatchObject([{ type: 'tool_result' }, { type: 'tool_result' }]);
  expect(JSON.stringify(said)).toContain('hurry');
});

test('files are shown as what messages of the specification hold', async () => {
  const { asked, answer } = caller([reply(words('seen'))]);
  const content = [
    text('look'),
    { type: 'resource', uri: 'file:///a', text: 'A' },
    { type: 'resource', uri: 'file:///b', blob: 'aGk=', mimeType: 'image/png' },
    { type: 'resource', uri: 'file:///c', blob: 'aGk=' },
    { type: 'resource_link', uri: 'file:///d', name: 'd' },
  ] as const;
  const { context } = rehearsal([], Infinity, undefined, answer);
  await runAgent(fakeAgent({ model: clientModel }), [{ role: 'user', content: [...content] }], context);
  expect(messagesIn(asked[0])[0]?.['content']).toEqual([
    words('look'),
    words('[file:///a]\nA'),
    { type: 'image', data: 'aGk=', mimeType: 'image/png' },
    words('[the file file:///c, which cannot be shown]'),
    words('[link d: file:///d]'),
  ]);
});

const told = (more: JsonObject): JsonObject => ({
  _meta: { 'dev.deputy-mcp/usage': { ...usage(30, 20, 0.5), ...more } },
});

test('what a Deputy tells that its model used is counted, and limits hold for it', async () => {
  const { result } = await run([reply(use('t', {}), told({})), reply(words('done'), told({}))]);
  expect(result).toMatchObject({ stop: 'answer', usage: usage(60, 40, 1) });
  const lines = [reply(use('t', {}), told({})), reply(words('never'))];
  const limited = await run(lines, { limits: { tokens: 50 } });
  expect(limited.result).toMatchObject({ stop: 'limit', limit: 'tokens' });
});

test('odd counts count nothing', async () => {
  const odd = { inputTokens: -5, outputTokens: '7', cost: Infinity, cachedInputTokens: [] } as unknown as JsonObject;
  const { result } = await run([reply(words('hi'), told(odd))]);
  expect(result.usage).toEqual(noUsage);
});

describe('what comes back', () => {
  test.each([
    ['maxTokens', reply(words('half'), { stopReason: 'maxTokens' }), 'length'],
    ['refusal', reply(words('no'), { stopReason: 'refusal' }), 'refusal'],
    ['a reason that nobody knows', reply(words('hi'), { stopReason: 'whim' }), 'answer'],
    ['no reason', reply(words('hi'), { stopReason: null }), 'answer'],
    ['several texts', reply([words('h'), words('i')]), 'answer'],
    ['nothing', reply([]), 'answer'],
  ] as const)('%s', async (_, line, stop) => {
    expect((await run([line])).result.stop).toBe(stop);
  });

  test.each([
    ['a wrong role', reply(words('hi'), { role: 'user' }), 'it is not of the role "assistant"'],
    ['an image', reply({ type: 'image', data: '', mimeType: 'image/png' }), 'a block of the type "image"'],
    ['a text without text', reply({ type: 'text' }), 'a block of the type "text", or without its members'],
    ['a use without a name', reply({ type: 'tool_use', id: 'u1', input: {} }), 'a block of the type "tool_use"'],
    ['a block of no type', reply([{}]), 'a block of the type null'],
    ['far too many blocks', reply(Array.from({ length: 1_001 }, () => words(''))), 'more than 1000 blocks'],
    ['far too long words', reply(words('x'.repeat(5_000_000))), 'more than 4194304 characters'],
  ] as const)('%s ends the agent, which says why', async (_, line, why) => {
    const { result, said } = await run([line]);
    expect(result).toMatchObject({ isError: true, stop: 'model_unavailable' });
    expect(said).toContain('thinks with the model of its caller (model: client), and what came back cannot be used');
    expect(said).toContain(why);
  });

  test.each([
    ['decline', 'the caller did not lend it'],
    ['cancel', 'the caller did not lend it'],
    ['expired', 'the caller did not lend it within a week'],
    ['withdrawn', 'nobody waits for its answer any more'],
  ] as const)('%s is an end with its reason', async (action, why) => {
    const { result, said } = await run([{ action }]);
    expect(result).toMatchObject({ isError: true, stop: 'model_unavailable' });
    expect(said).toContain(why);
  });

  test('calls of tools that are not there, with odd arguments and ids, are told to the model like any other', async () => {
    const odd = [use('none', {}), use('t', null), use('t', [1]), { type: 'tool_use', name: 't' }, use('t', {}, '')];
    const { asked, result } = await run([reply(odd), reply(use('t', { z: 1 })), reply(words('done'))]);
    expect(result.stop).toBe('answer');
    const last = messagesIn(asked[2]);
    const ids = last.flatMap(({ role, content }) =>
      role === 'assistant' ? [content].flat().map((block) => (block as JsonObject)['id']) : [],
    );
    expect(ids).toEqual(['u1', 'u1_2', 'u1_3', 'call', 'call_2', 'u1_4']);
    expect(JSON.stringify(asked[1])).toContain('There is no tool');
  });
});

test('hooks and limits hold as for every agent', async () => {
  const deny = {
    name: 'h',
    matches: () => true,
    run: () => Promise.resolve({ kind: 'deny', reason: 'not that' } as const),
  };
  const denied = await run([], { hooks: { before_model: [deny] } });
  expect(denied.asked).toEqual([]);
  expect(denied.result).toMatchObject({ isError: true, stop: 'denied' });
  expect(denied.records.map(({ key }) => key)).toEqual(['turn 1: question', 'turn 1: model']);
  const limited = await run([reply(use('t', { n: 1 })), reply(use('t', { n: 2 }))], { limits: { turns: 2 } });
  expect(limited.result).toMatchObject({ stop: 'limit', limit: 'turns' });
});

test('a crash at any record asks nothing that was answered, and calls nothing twice', async () => {
  const lines = [
    reply(use('t', { n: 1 })),
    reply([use('t', { n: 2 }), use('t', { n: 3 }, 'u2')]),
    reply(words('done')),
  ];
  const whole = await run(lines);
  for (let at = 0; at < whole.records.length; at += 1) {
    const { answer } = caller(lines);
    const first = rehearsal([], at, undefined, answer);
    await expect(runAgent(whole.agent, asks('go'), first.context)).rejects.toBeInstanceOf(Crash);
    const second = rehearsal(first.records, Infinity, undefined, answer);
    expect(await runAgent(whole.agent, asks('go'), second.context)).toEqual(whole.result);
    expect(second.records).toHaveLength(whole.records.length);
  }
});

test('what was said is told from the records, whichever model the agent has by then', async () => {
  const { agent, records } = await run([reply(use('t', { n: 1 })), reply(words('done'))]);
  for (const model of [clientModel, fakeModel([])]) {
    const messages = asks('go');
    await appendTranscript({ ...agent, model }, messages, records);
    expect(messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'user', 'assistant']);
    expect(messages.at(-1)?.content).toEqual([text('done')]);
  }
});

describe('called by an agent', () => {
  const below = (name: string, more: Parameters<typeof fakeAgent>[0] = {}): Agent =>
    fakeAgent({ name, model: clientModel, ...more });
  const tool = (agent: Agent) =>
    agentTool(() => agent, { name: agent.name, description: '', inputSchema: {}, check: () => undefined });

  test('it thinks with the model of that agent, which pays', async () => {
    const model = fakeModel([
      calls([['child', { message: 'x' }]]),
      says('from below', { usage: usage(7, 7) }),
      says('end'),
    ]);
    const child = below('child', { instructions: 'You are below.' });
    const { context } = rehearsal();
    const result = await runAgent(fakeAgent({ model, agents: [tool(child)] }), asks('go'), context);
    expect(model.asked[1]).toMatchObject({ system: 'You are below.' });
    expect(result).toMatchObject({ stop: 'answer', usage: { inputTokens: 27 } });
  });

  test('through agents that have none, it is the model of the one above them, or of the caller of the task', async () => {
    const planned = (model: Model): Agent => fakeAgent({ name: 'plan', model, agents: [tool(below('child'))] });
    const plan = planModel([{ run: 'child' }], () => false);
    const { asked, answer } = caller([reply(words('hi'))]);
    const { context } = rehearsal([], Infinity, undefined, answer);
    expect(textOf((await runAgent(planned(plan), asks('go'), context)).content)).toBe('hi');
    expect(asked.map(({ key }) => key)).toEqual(['turn 1: call 1/turn 1: sampling']);

    const model = fakeModel([calls([['plan', { message: 'x' }]]), says('from below'), says('end')]);
    const root = fakeAgent({ model, agents: [tool(planned(plan))] });
    expect((await runAgent(root, asks('go'), rehearsal().context)).stop).toBe('answer');
    expect(model.asked).toHaveLength(3);
  });
});

test('of hundreds of agents no more ask their models at once than tools may run at once', async () => {
  let atOnce = 0;
  let most = 0;
  const model: Model = {
    id: 'fake/model',
    generate: async () => {
      most = Math.max(most, (atOnce += 1));
      await new Promise((resolve) => setImmediate(resolve));
      atOnce -= 1;
      return says('ok');
    },
  };
  const child = fakeAgent({ name: 'child', model });
  const spec = { name: 'child', description: '', inputSchema: {}, check: () => undefined };
  const plan = planModel([{ map: 'child', over: '.' }], () => false);
  const limits = { toolCalls: 1_000, agents: 1_000, sameCall: 1_000, parallelTools: 5 };
  const agent = fakeAgent({ model: plan, agents: [agentTool(() => child, spec)], limits });
  const items = JSON.stringify(Array.from({ length: 300 }, (_, n) => n));
  const result = await runAgent(agent, asks(items), rehearsal().context);
  expect(result.stop).toBe('answer');
  expect(most).toBe(5);
});
