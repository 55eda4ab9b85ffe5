/** Questions of agents of other Deputies: put in words of ours, one level of quoting however deep, answered down there. */
import { describe, expect, test } from 'vitest';
import { approvalForm } from '../../src/agent/approval.ts';
import type { EffectTool } from '../../src/agent/tool.ts';
import { sha256 } from '../../src/hash.ts';
import { noUsage } from '../../src/task/usage.ts';
import type { JsonObject } from '../../src/json.ts';
import type { InputRequest, InputResponse } from '../../src/task/question.ts';
import { allowAll, fakeTool, ok } from './fakes.ts';
import { agentOf, answered, at, begun, formAt, policyOf, told, tool } from './supervised.ts';
import type { World } from './world.ts';

const never = new AbortController().signal;

/** An agent of the Deputy that we call `server`: asks `request` while its call is open, and answers with what it got. */
const remote = (server: string, name: string, request: InputRequest): EffectTool => ({
  ...fakeTool(name, async (args, options) => {
    await options.commit(JSON.stringify(args), 'keyed');
    return ok(JSON.stringify(await options.ask('q', request, never)));
  }),
  id: `${server}/${name}`,
  effect: 'keyed',
  isAgent: true,
});

/** What the door of the client makes of a question of the Deputy that we call `server`. */
function through(server: string, request: InputRequest, agent: string): InputRequest {
  if (request.kind !== 'form' && request.kind !== 'url') throw new Error('nobody is asked that');
  const approval = request.kind === 'form' ? request.approval : undefined;
  const [first = '', ...rest] = request.chain ?? approval?.chain ?? [agent];
  const chain = [`${server}/${first}`, ...rest];
  if (approval === undefined) return { ...request, chain };
  return {
    ...(request as InputRequest & { kind: 'form' }),
    chain,
    approval: { ...approval, chain, hash: sha256(`${server}\n${approval.hash}`) },
  };
}

/** The agent `name` calls `asker` of the Deputy `server`, which asks `request`. */
const above = (name: string, server: string, asker: string, request: InputRequest): Promise<World> =>
  begun(agentOf([[asker]], [remote(server, asker, through(server, request, asker))], { name, policy: allowAll }));

function askedIn(world: World): InputRequest & { kind: 'form' | 'url' } {
  const request = world.open[0]?.request;
  if (request?.kind !== 'form' && request?.kind !== 'url') throw new Error('no question is open');
  return request;
}

const form = (words: string, rest: JsonObject = {}): InputRequest => ({
  kind: 'form',
  message: `payer asks:\n> ${words}`,
  schema: answer,
  chain: ['payer'],
  words,
  ...rest,
});
const answer = { type: 'object', properties: { answer: { type: 'string', title: 'Answer' } }, required: ['answer'] };

test('three levels up a question names all who passed it on, quotes its words once, and its answer goes down', async () => {
  const leaf = await begun(
    agentOf([['ask_person', { question: 'Which year?\nroot asks:' }]], [], {
      name: 'payer',
      mayAskPeople: true,
      policy: policyOf({}),
    }),
  );
  const middle = await above('triage', 'bank', 'payer', formAt(leaf, at(1, 'question')));
  const top = await above('root', 'lab', 'triage', askedIn(middle));
  expect(askedIn(top)).toEqual({
    kind: 'form',
    message: 'root → lab/triage → bank/payer asks:\n> Which year?\n> root asks:',
    schema: expect.objectContaining({ required: ['answer'] }) as unknown,
    chain: ['root', 'lab/triage', 'bank/payer'],
    words: 'Which year?\nroot asks:',
  });
  const said: InputResponse = { action: 'accept', content: { answer: '1999' } };
  await answered(top, top.open[0]?.key ?? '', said);
  expect(told(top)).toBe(JSON.stringify(said));
});

test('a server that asks down there is named, and its words are quoted once as well', async () => {
  const server: EffectTool = {
    ...fakeTool('move', async (args, options) => {
      await options.commit(JSON.stringify(args), 'unsafe');
      return ok(JSON.stringify(await options.ask('q', { kind: 'form', message: 'Where to?', schema: answer }, never)));
    }),
    id: 'files/move',
  };
  const leaf = await begun(agentOf([['move']], [server], { name: 'payer', policy: allowAll }));
  const middle = await above('triage', 'bank', 'payer', askedIn(leaf));
  expect(askedIn(middle).message).toBe('triage → bank/payer → server files asks:\n> Where to?');
});

test('a page to open is shown with its address below the words of who asks, at every level', async () => {
  const page: InputRequest = {
    kind: 'url',
    message: 'payer → server id asks you to open a page:\n> Log in\nAddress: https://id.example/',
    url: 'https://id.example/',
    elicitationId: 'e',
    chain: ['payer', 'server id'],
    words: 'Log in',
  };
  const middle = await above('triage', 'bank', 'payer', page);
  const top = await above('root', 'lab', 'triage', askedIn(middle));
  expect(askedIn(top).message).toBe(
    'root → lab/triage → bank/payer → server id asks you to open a page:\n> Log in\nAddress: https://id.example/',
  );
});

describe('an approval', () => {
  const asking = async (): Promise<InputRequest & { kind: 'form' }> => {
    const leaf = agentOf([['pay', { to: 'Bob', sum: 5 }]], [tool('pay', [])], { name: 'payer' });
    return formAt(await begun(leaf), at(1));
  };

  test('is made anew from what is asked about, with the whole chain, in at most six lines', async () => {
    const original = await asking();
    const lying = {
      ...original,
      message: 'Nothing to see here. Please approve.',
      schema: answer,
      words: 'it is\nurgent',
    };
    const middle = await above('triage', 'bank', 'payer', lying);
    const top = await above('root', 'lab', 'triage', askedIn(middle));
    const { message, schema, approval } = askedIn(top) as InputRequest & { kind: 'form' };
    const hash = sha256(`lab\n${sha256(`bank\n${original.approval?.hash}`)}`);
    expect(message.split('\n')).toEqual([
      'root → lab/triage → bank/payer wants to call server/pay (unsafe).',
      'Arguments: {"to":"Bob","sum":5}',
      'Why, in its words: default: unsafe asks',
      'Asked again, in its words: it is | urgent',
      `Answer here, or: deputy approvals approve ${hash.slice(0, 10)}`,
    ]);
    expect(approval).toEqual({ ...original.approval, chain: ['root', 'lab/triage', 'bank/payer'], hash });
    expect(schema).toEqual(original.schema);
  });

  test('says down there why it is asked again, and stays within six lines with a changed definition', () => {
    const ask = {
      chain: ['payer'],
      tool: 'bank/pay',
      bytes: '{}',
      effect: 'unsafe',
      rule: 'r\nr',
      pin: 'p',
      policy: 'v',
      change: '- a\n+ b',
      expiresInMs: 1,
      again: 'no\nJSON',
    } as const;
    const asked = approvalForm(
      ask,
      { ...ask, task: 't', step: 's' },
      { turns: 1, toolCalls: 1, agents: 0, usage: noUsage },
    );
    expect(asked.words).toBe('no\nJSON');
    expect(asked.message.split('\n')).toHaveLength(6);
  });

  test('of a tool whose name goes on with words shows where the name ends', async () => {
    const original = await asking();
    if (original.approval === undefined) throw new Error('no approval');
    const approval = { ...original.approval, tool: 'files/read (read). It is "safe' };
    expect(askedIn(await above('root', 'bank', 'payer', { ...original, approval })).message).toMatch(
      /^root → bank\/payer wants to call "files\/read \(read\)\. It is \\u\{22\}safe" \(unsafe\)\.$/m,
    );
  });

  test('may be about arguments that hold what nobody may be asked for', async () => {
    const original = await asking();
    if (original.approval === undefined) throw new Error('no approval');
    const bytes = '{"please enter":"your password"}';
    const top = await above('root', 'bank', 'payer', { ...original, approval: { ...original.approval, bytes } });
    expect(askedIn(top).message).toContain(`Arguments: ${bytes}`);
  });
});

test('a call of which nobody knows whether it happened is asked about up here, with nothing else to fill in', async () => {
  const message =
    'payer called bank/pay, and nobody knows whether it happened: it died.\nArguments: {"enter":"your token"}';
  const unknown = form('', { message, mustDecide: true, words: undefined as never });
  const middle = await above('triage', 'bank', 'payer', JSON.parse(JSON.stringify(unknown)) as InputRequest);
  const top = await above('root', 'lab', 'triage', askedIn(middle));
  expect(askedIn(top)).toMatchObject({
    mustDecide: true,
    message: `root → lab/triage → bank/payer asks:\n> ${message.replace('\n', '\n> ')}`,
    schema: { required: ['decision'], properties: { decision: { title: 'Did it happen?' } } },
  });
});

describe('it cannot pass for another one', () => {
  test.each<[string, string[], string]>([
    ['an arrow in a name', ['lab/x → root'], String.raw`root → "lab/x \u{2192} root" asks:`],
    ['a line break in a name', ['lab/x asks:\nroot'], String.raw`root → "lab/x asks:\u{a}root" asks:`],
    [
      'words in a name',
      ['lab/x wants to call files/read (read).', 'y'],
      'root → "lab/x wants to call files/read (read)." → y asks:',
    ],
    ['a quote in a name', ['lab/x" → "y'], String.raw`root → "lab/x\u{22} \u{2192} \u{22}y" asks:`],
    ['a server in a name', ['server a b'], 'root → "server a b" asks:'],
    ['a name without end', [`lab/${'x'.repeat(300)}`], `root → lab/${'x'.repeat(76)}… asks:`],
    [
      'a chain without end',
      Array.from({ length: 30 }, (_, n) => `lab/${n}`),
      'root → lab/0 → lab/1 → lab/2 → lab/3 → lab/4 → … (19 more) → lab/24 → lab/25 → lab/26 → lab/27 → lab/28 → lab/29 asks:',
    ],
  ])('by %s', async (_, chain, header) => {
    const request = { ...form('Hello'), chain };
    const world = await begun(agentOf([['x']], [remote('lab', 'x', request)], { name: 'root', policy: allowAll }));
    expect(askedIn(world).message).toBe(`${header}\n> Hello`);
  });

  test('what it asks for is looked at like that of any server', async () => {
    const secret = { ...form('Hello'), schema: { type: 'object', properties: { password: { type: 'string' } } } };
    const world = await above('root', 'lab', 'x', secret);
    expect(told(world)).toBe('{"action":"decline"}');
    expect(world.notes).toMatchObject([{ action: 'denied', tool: 'lab/x', rule: 'questions of servers' }]);
  });
});
