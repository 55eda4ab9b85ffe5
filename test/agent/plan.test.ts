/** Composed agents: the calls of a plan follow from the conversation, in the loop that every agent has. */
import { describe, expect, test } from 'vitest';
import type { Agent } from '../../src/agent/agent.ts';
import { agentTool } from '../../src/agent/agent-tool.ts';
import type { Limits } from '../../src/agent/limits.ts';
import { runAgent } from '../../src/agent/loop.ts';
import type { Message, Model, ModelReply, ModelRequest } from '../../src/agent/model.ts';
import type { PlanStep } from '../../src/agent/plan.ts';
import { planModel } from '../../src/agent/plan-model.ts';
import { conversationOf } from '../../src/agent/transcript.ts';
import type { Json, JsonObject } from '../../src/json.ts';
import { text, textOf } from '../../src/task/content.ts';
import type { TaskResult } from '../../src/task/task.ts';
import { asks, Crash, fakeAgent, rehearsal, type Rehearsal, says, sent, usage } from './fakes.ts';

type Says = (said: string, request: ModelRequest) => string | ModelReply | Promise<string | ModelReply>;

interface Part {
  says: Says;
  /** Declares an input of its own. */
  hasOwnInput?: true;
  check?: (args: Json) => string | undefined;
}

interface Composed {
  agent: Agent;
  /** What the parts were asked: name and message, in the order of their asking. */
  asked: [name: string, message: string][];
}

function composed(
  steps: readonly PlanStep[],
  parts: Record<string, Says | Part>,
  more: Partial<Pick<Agent, 'output'>> & { limits?: Partial<Limits> } = {},
): Composed {
  const asked: [string, string][] = [];
  const partOf = (name: string): Part => {
    const part = parts[name];
    if (part === undefined) throw new Error(`no part ${name}`);
    return typeof part === 'function' ? { says: part } : part;
  };
  const agents = Object.keys(parts).map((name) => {
    const { says: line, check = () => undefined } = partOf(name);
    const model: Model = {
      id: `fake/${name}`,
      generate: async (request) => {
        const message = textOf(request.messages.at(-1)?.content ?? []);
        asked.push([name, message]);
        const said = await line(message, request);
        return typeof said === 'string' ? says(said) : said;
      },
    };
    const spec = { name, description: name, inputSchema: { type: 'object' }, check };
    return agentTool(() => fakeAgent({ name, model }), spec);
  });
  const model = planModel(steps, (name) => partOf(name).hasOwnInput === true);
  const { limits, ...rest } = more;
  const planned = { turns: 100, sameCall: 1_000, ...limits };
  return { agent: fakeAgent({ name: 'plan', model, agents, limits: planned, ...rest }), asked };
}

const json = (value: Json): string => JSON.stringify(value);
const said = ({ content }: TaskResult): string => textOf(content);
const run = (steps: readonly PlanStep[], parts: Record<string, Says | Part>, request: string) => {
  const { agent, asked } = composed(steps, parts);
  return runAgent(agent, asks(request), rehearsal().context).then((result) => ({ result, asked }));
};

describe('in sequence', () => {
  test('the first agent gets the request as it is, the next ones also what was answered before', async () => {
    const { result, asked } = await run(
      [{ run: 'draft' }, { run: 'edit' }, { run: 'title' }],
      { draft: () => 'a draft', edit: () => 'an edit', title: () => 'a title' },
      'Write about bees.',
    );
    expect(asked).toEqual([
      ['draft', 'Write about bees.'],
      ['edit', '<request>\nWrite about bees.\n</request>\n\n<answer from="draft">\na draft\n</answer>'],
      ['title', '<request>\nWrite about bees.\n</request>\n\n<answer from="edit">\nan edit\n</answer>'],
    ]);
    expect(result).toMatchObject({ stop: 'answer', content: [text('a title')] });
  });

  test('only its agents use tokens', async () => {
    const { result } = await run(
      [{ run: 'a' }, { run: 'b' }],
      { a: () => says('x', { usage: usage(7, 3, 0.5) }), b: () => says('y', { usage: usage(1, 1, 0.25) }) },
      'go',
    );
    expect(result.usage).toEqual(usage(8, 4, 0.75));
  });

  test('who has an input of its own is called with the answer of before, of the first step with the input', async () => {
    const own = (line: Says): Part => ({ hasOwnInput: true, says: line });
    const { asked } = await run(
      [{ run: 'a' }, { run: 'b' }, { run: 'c' }],
      { a: own(() => `\`\`\`json\n${json({ found: 2 })}\n\`\`\``), b: own(() => 'words'), c: own(() => 'end') },
      json({ pr: 7 }),
    );
    expect(asked.map(([name, message]) => [name, name === 'c' ? message : JSON.parse(message)])).toEqual([
      ['a', { pr: 7 }],
      ['b', { found: 2 }],
      ['c', 'words'],
    ]);
  });

  test('files of the request are shown to every agent that takes a message', async () => {
    const seen: Json[] = [];
    const look: Says = (_, { messages }) => {
      seen.push(messages[0]?.content.filter(({ type }) => type !== 'text') as unknown as Json);
      return 'seen';
    };
    const { agent } = composed([{ run: 'a' }, { run: 'b' }], { a: look, b: look });
    const image = { type: 'image', data: 'aGk=', mimeType: 'image/png' } as const;
    const file = { type: 'resource', uri: 'file:///a', text: 'A' } as const;
    await runAgent(agent, [{ role: 'user', content: [text('look'), image, file] }], rehearsal().context);
    expect(seen).toEqual([
      [image, file],
      [image, file],
    ]);
  });
});

describe('in parallel', () => {
  test('all get the same at once, and the answers stand under their names', async () => {
    let atWork = 0;
    const both = Promise.withResolvers<void>();
    const meet = async (words: string): Promise<string> => {
      atWork += 1;
      if (atWork === 2) both.resolve();
      await both.promise;
      return words;
    };
    const { result, asked } = await run(
      [{ run: 'first' }, { parallel: ['a', 'b'] }],
      { first: () => 'one', a: () => meet(json({ n: 1 })), b: () => meet('2024') },
      'go',
    );
    expect(asked[1]?.[1]).toBe(asked[2]?.[1]);
    expect(JSON.parse(said(result))).toEqual({ a: { n: 1 }, b: '2024' });
  });

  test('the next agent reads each answer with the name of who gave it', async () => {
    const { asked } = await run(
      [{ parallel: ['a', 'b'] }, { run: 'sum' }],
      { a: () => 'A', b: () => says('', { stop: 'refusal' }), sum: () => 'end' },
      'go',
    );
    expect(asked[2]?.[1]).toBe(
      '<request>\ngo\n</request>\n\n<answer from="a">\nA\n</answer>\n\n' +
        '<answer from="b" failed="true">\nfake/model declined to answer.\n</answer>',
    );
  });
});

describe('for each of a list', () => {
  const list =
    (value: Json): Says =>
    () =>
      json(value);

  test('one agent an item, with the request, and the answers in the order of the items', async () => {
    const { result, asked } = await run(
      [{ run: 'find' }, { map: 'fix', over: 'files.js' }],
      { find: list({ files: { js: ['a.js', 'b.js'] } }), fix: (message) => json({ did: message.slice(-12, -8) }) },
      'Mend all.',
    );
    expect(asked.slice(1).map(([, message]) => message)).toEqual([
      '<request>\nMend all.\n</request>\n\n<item>\na.js\n</item>',
      '<request>\nMend all.\n</request>\n\n<item>\nb.js\n</item>',
    ]);
    expect(JSON.parse(said(result))).toEqual([{ did: 'a.js' }, { did: 'b.js' }]);
  });

  test('objects are the arguments of an agent with an input of its own', async () => {
    const { asked } = await run(
      [{ map: 'fix', over: '.' }],
      { fix: { hasOwnInput: true, says: () => 'ok' } },
      json([{ path: 'a' }, { path: 'b' }]),
    );
    expect(asked.map(([, message]) => JSON.parse(message) as Json)).toEqual([{ path: 'a' }, { path: 'b' }]);
  });

  test('a list of the input is told of in parts: each agent reads what else the input says, and its item', async () => {
    const { asked } = await run(
      [{ map: 'fix', over: 'todo.files' }],
      { fix: () => 'ok' },
      json({ how: 'well', todo: { files: ['a', 'b'] } }),
    );
    expect(asked.map(([, message]) => message)).toEqual(
      ['a', 'b'].map((item) => {
        const rest = JSON.stringify({ how: 'well', todo: {} }, null, 2);
        return `<request>\n${rest}\n</request>\n\n<item>\n${item}\n</item>`;
      }),
    );
    const alone = await run([{ map: 'fix', over: 'files' }], { fix: () => 'ok' }, json({ files: ['a'] }));
    expect(alone.asked).toEqual([['fix', 'a']]);
  });

  test('the answer of before comes first, the input where that has nothing there', async () => {
    const input = json({ items: ['input'] });
    const steps = [{ run: 'a' }, { map: 'fix', over: 'items' }];
    const first = await run(steps, { a: list({ items: ['answer'] }), fix: () => 'ok' }, input);
    expect(first.asked[1]?.[1]).toContain('<item>\nanswer\n</item>');
    const second = await run(steps, { a: () => 'words', fix: () => 'ok' }, input);
    expect(second.asked[1]?.[1]).toBe('input');
  });

  test('an empty list calls nobody, and the next step is told so', async () => {
    const { result, asked } = await run(
      [{ run: 'find' }, { map: 'fix', over: 'files' }, { run: 'sum' }],
      { find: list({ files: [] }), fix: () => 'never', sum: () => 'nothing to do' },
      'go',
    );
    expect(asked.map(([name]) => name)).toEqual(['find', 'sum']);
    expect(asked[1]?.[1]).toContain('<answer from="fix">\n[]\n</answer>');
    expect(said(result)).toBe('nothing to do');
    const last = await run([{ map: 'fix', over: '.' }], { fix: () => 'never' }, '[]');
    expect(last.result).toMatchObject({ stop: 'answer', content: [text('[]')] });
  });

  test.each([
    [json({ a: { b: 1 } }), 'a.b', '"a.b" should be a list, and in the answer of find it is a number'],
    [
      json({ a: { c: 1, d: 2 } }),
      'a.b',
      '"a.b" should be a list, and in the answer of find it is not there: an object with c, d at "a", ' +
        'in the input it is nothing: it is words, no JSON',
    ],
    [
      'words',
      '.',
      'the whole should be a list, and in the answer of find it is nothing: it is words, no JSON, ' +
        'in the input it is nothing: it is words, no JSON',
    ],
    [json({}), '__proto__', '"__proto__" should be a list'],
    [json({}), 'constructor.name', 'not there: an empty object'],
  ])(
    'what is no list ends the plan, which says where it looked and what was there: %s at %s',
    async (answer, over, why) => {
      const { result } = await run(
        [{ run: 'find' }, { map: 'fix', over }],
        { find: () => answer, fix: () => 'x' },
        'go',
      );
      expect(result).toMatchObject({ isError: true, stop: 'step_failed' });
      expect(said(result)).toContain(why);
    },
  );

  test.each([
    ['long', json({ each: Array.from({ length: 1_000 }, () => 1), with: 'x'.repeat(100_000) })],
    ['many', json({ each: Array.from({ length: 300_000 }, () => 1) })],
  ])('calls that are too %s to be written down are a failure, before they are all made up', async (_, input) => {
    const { result, asked } = await run([{ map: 'fix', over: 'each' }], { fix: () => 'x' }, input);
    expect(result).toMatchObject({ isError: true, stop: 'step_failed' });
    expect(said(result)).toMatch(
      /^fix cannot be called for each of \d+ items: its calls would have more than 67108864 /,
    );
    expect(asked).toEqual([]);
  });

  test('an agent may have any name', async () => {
    const { result } = await run([{ parallel: ['constructor', 'constructor'] }], { constructor: () => 'ok' }, 'go');
    expect(JSON.parse(said(result))).toEqual({ constructor: 'ok', constructor_2: 'ok' });
  });

  test('hundreds of items are one turn', async () => {
    const items = Array.from({ length: 700 }, (_, n) => ({ n }));
    const { agent, asked } = composed(
      [{ map: 'fix', over: '.' }],
      { fix: { hasOwnInput: true, says: (message) => message } },
      { limits: { toolCalls: 1_000, agents: 1_000 } },
    );
    const { context, opened } = rehearsal();
    const result = await runAgent(agent, asks(json(items)), context);
    expect(JSON.parse(said(result))).toEqual(items);
    expect([asked.length, opened.length]).toEqual([700, 700]);
    expect(opened.at(-1)).toBe('turn 1: call 700');
  });

  test.each([
    ['tool_calls', { toolCalls: 9 }, 'plan stopped: its next step is 10 calls, and it has 9 left (limits.tool_calls).'],
    [
      'agents',
      { agents: 9 },
      'plan stopped: its next step is 10 calls, and 9 more agents may run below it (limits.agents).',
    ],
  ] as const)('a list over the limit of %s is not begun', async (limit, limits, why) => {
    const { agent, asked } = composed([{ map: 'fix', over: '.' }], { fix: () => 'ok' }, { limits });
    const result = await runAgent(agent, asks(json(Array.from({ length: 10 }, (_, n) => n))), rehearsal().context);
    expect(result).toMatchObject({ isError: true, stop: 'limit', limit, content: [text(why)] });
    expect(asked).toEqual([]);
  });
});

describe('a failure', () => {
  const refuses: Says = () => says('', { stop: 'refusal' });

  test('of a step ends the plan with the reason and the name of the agent', async () => {
    const { result, asked } = await run([{ run: 'a' }, { run: 'b' }], { a: refuses, b: () => 'never' }, 'go');
    expect(result).toMatchObject({ isError: true, stop: 'step_failed' });
    expect(said(result)).toBe('a failed: fake/model declined to answer.');
    expect(asked).toHaveLength(1);
  });

  test('of arguments that do not fit is one of the step', async () => {
    const a: Part = { hasOwnInput: true, says: () => 'never', check: () => 'it needs pr' };
    const { result } = await run([{ run: 'a' }], { a }, 'words');
    expect(said(result)).toBe('a failed: The arguments for a do not fit its input schema:\nit needs pr');
  });

  test('of one among several stands at its place, and the others are kept', async () => {
    const odd: Says = (message) => (message === '2' ? says('', { stop: 'refusal' }) : `did ${message}`);
    const { result } = await run([{ map: 'fix', over: '.' }], { fix: odd }, json([1, 2, 3]));
    expect(result.stop).toBe('answer');
    expect(JSON.parse(said(result))).toEqual(['did 1', { error: 'fake/model declined to answer.' }, 'did 3']);
    const { result: named } = await run([{ parallel: ['a', 'b'] }], { a: () => 'A', b: refuses }, 'go');
    expect(JSON.parse(said(named))).toEqual({ a: 'A', b: { error: 'fake/model declined to answer.' } });
  });

  test('of all among several is one of the step, with each reason once', async () => {
    const { result } = await run([{ map: 'fix', over: '.' }, { run: 'x' }], { fix: refuses, x: () => '' }, '[1, 2, 3]');
    expect(result).toMatchObject({ isError: true, stop: 'step_failed' });
    expect(said(result)).toBe('All 3 calls of fix failed:\nfix: fake/model declined to answer.');
  });

  test('of the answer to fit the output schema ends it at once: nobody is there to put it right', async () => {
    const output = {
      schema: { type: 'object' },
      check: (value: Json) => ((value as JsonObject)['n'] === 1 ? undefined : 'no n'),
    };
    const one = composed([{ run: 'a' }], { a: () => json({ n: 2 }) }, { output });
    const result = await runAgent(one.agent, asks('go'), rehearsal().context);
    expect(result).toMatchObject({ isError: true, stop: 'bad_output' });
    expect(one.asked).toHaveLength(1);
    const good = composed([{ run: 'a' }], { a: () => json({ n: 1 }) }, { output });
    expect((await runAgent(good.agent, asks('go'), rehearsal().context)).structuredContent).toEqual({ n: 1 });
  });
});

test('an answer of any size is handed on whole', async () => {
  const long = `${'x'.repeat(600_000)}!`;
  const { result, asked } = await run([{ run: 'a' }, { run: 'b' }], { a: () => long, b: () => long }, 'go');
  expect(asked[1]?.[1]).toContain(long);
  expect(said(result)).toBe(long);
  const huge = await run([{ run: 'a' }, { run: 'b' }], { a: () => 'x'.repeat(9_000_000), b: () => 'never' }, 'go');
  expect(said(huge.result)).toBe(
    'a failed: Its answer has 9000000 characters, and no more than 8388608 can be handed on.',
  );
});

test('what people send is read by the agents of the steps after it, and does not undo an answer', async () => {
  const rehearsed = rehearsal();
  const tell =
    (seq: number, words: string, answer: string): Says =>
    () => {
      rehearsed.inbox.push(sent(seq, words));
      return answer;
    };
  const { agent, asked } = composed([{ run: 'a' }, { run: 'b' }, { run: 'c' }], {
    a: tell(1, 'be brief', 'A'),
    b: () => 'B',
    c: tell(2, 'too late', 'C'),
  });
  const result = await runAgent(agent, asks('go'), rehearsed.context);
  const note = '[Message from ann while you work]: be brief';
  expect(asked[0]?.[1]).toBe('go');
  expect(asked[1]?.[1]).toBe(`<request>\ngo\n</request>\n\n<answer from="a">\nA\n</answer>\n\n${note}`);
  expect(asked[2]?.[1]).toContain(note);
  expect(result).toMatchObject({ stop: 'answer', content: [text('C')] });
});

test('a conversation goes on: the first step is told what was said before', async () => {
  const one = composed([{ run: 'a' }, { run: 'b' }], { a: () => 'A', b: () => 'B' });
  const first = rehearsal();
  await runAgent(one.agent, asks('first'), first.context);
  const task = { input: { message: 'first' } } as unknown as Parameters<typeof conversationOf>[1][number]['task'];
  const messages: Message[] = await conversationOf(one.agent, [{ task, records: first.records }]);
  const result = await runAgent(one.agent, [...messages, ...asks('shorter')], rehearsal().context);
  expect(one.asked[2]).toEqual([
    'a',
    '<earlier_request>\nfirst\n</earlier_request>\n\n<earlier_answer>\nB\n</earlier_answer>\n\n' +
      '<request>\nshorter\n</request>',
  ]);
  expect(said(result)).toBe('B');
});

test('a crash at any record changes nothing: the same calls are made, and none twice', async () => {
  const steps: PlanStep[] = [{ run: 'find' }, { map: 'fix', over: 'files' }, { parallel: ['a', 'b'] }, { run: 'sum' }];
  const parts = {
    find: () => json({ files: ['x', 'y'] }),
    fix: (message: string) => `did ${message.length}`,
    a: () => 'A',
    b: () => 'B',
    sum: (message: string) => `sum of ${message}`,
  };
  const whole = rehearsal();
  const expected = await runAgent(composed(steps, parts).agent, asks('go'), whole.context);
  expect(whole.records.length).toBeGreaterThan(10);
  for (let at = 0; at < whole.records.length; at += 1) {
    const first: Rehearsal = rehearsal([], at);
    const before = composed(steps, parts);
    await expect(runAgent(before.agent, asks('go'), first.context)).rejects.toBeInstanceOf(Crash);
    const second = rehearsal(first.records);
    const after = composed(steps, parts);
    expect(await runAgent(after.agent, asks('go'), second.context)).toEqual(expected);
    const keys = second.records.map(({ key }) => key);
    expect(keys.toSorted()).toEqual(whole.records.map(({ key }) => key).toSorted());
  }
});
