import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Message, ModelDelta, ModelReply, ModelRequest } from '../../src/agent/model.ts';
import { createModel } from '../../src/providers/create-model.ts';
import { text, textOf } from '../../src/task/content.ts';
import { user, withResults } from './messages.ts';

const folder = mkdtempSync(join(tmpdir(), 'deputy-scripts-'));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
function script(source: string, extension = 'yaml') {
  const file = join(folder, `script-${files++}.${extension}`);
  writeFileSync(file, source);
  const model = createModel({ provider: 'scripted', model: file, fallback: [] }, { retries: { tries: 1 } });
  const ask = (messages: Message[], more: Partial<ModelRequest> = {}): Promise<ModelReply> =>
    model.generate({ system: '', messages, tools: [], signal: new AbortController().signal, ...more });
  return { file, ask, model };
}
const says = (reply: ModelReply): string => textOf(reply.message.content);

describe('a script', () => {
  const tour = `
replies:
  - thinking: Look first.
    text: Looking.
    calls:
      - { tool: list, args: { path: docs, deep: ["\${user}"] } }
      - { tool: list, args: { path: src }, id: own }
  - text: "First: \${results[0]}, last: \${last}"
  - when: { last_user: goodbye }
    text: Bye.
`;

  it('answers turn after turn, with calls side by side and what was heard', async () => {
    const { ask } = script(tour);
    const first = await ask([user('show')]);
    expect(first).toMatchObject({
      stop: 'tool_calls',
      model: expect.stringMatching(/^scripted\/script-\d+\.yaml$/) as string,
    });
    expect(first.message.content).toEqual([
      { type: 'thinking', text: 'Look first.' },
      { type: 'text', text: 'Looking.' },
      { type: 'tool_call', id: 'call_1_1', name: 'list', args: { path: 'docs', deep: ['show'] } },
      { type: 'tool_call', id: 'own', name: 'list', args: { path: 'src' } },
    ]);
    const second = await ask([user('show'), first.message, withResults(first.message, ({ id }) => `r-${id}`)]);
    expect(says(second)).toBe('First: r-call_1_1, last: r-own');
    expect(second.stop).toBe('end');
  });

  it('answers the same request in the same way, however often and from whichever copy', async () => {
    const [one, other] = [script(tour), script(tour)];
    const first = await one.ask([user('show')]);
    const messages = [user('show'), first.message, withResults(first.message, () => 'r')];
    const again = await Promise.all([one.ask(messages), one.ask(messages), other.ask(messages)]);
    expect(new Set(again.map((reply) => JSON.stringify(reply.message))).size).toBe(1);
  });

  it('begins anew with what the user says next, and hears the words of a condition', async () => {
    const { ask } = script(tour);
    const before: Message[] = [user('show'), { role: 'assistant', content: [text('Done.')] }];
    expect(says(await ask([...before, user('show again')]))).toBe('Looking.');
    expect(says(await ask([...before, user('and goodbye')]))).toBe('Bye.');
  });

  it('hears the words of a tool result, and the turn', async () => {
    const { ask } = script(`
replies:
  - { when: { last_tool_result: not found }, text: Sorry. }
  - { when: { turn: 1 }, text: Second. }
  - calls: [{ tool: find }]
`);
    const { message } = await ask([user('x')]);
    expect(says(await ask([user('x'), message, withResults(message, () => 'it was not found')]))).toBe('Sorry.');
    expect(says(await ask([user('x'), message, withResults(message, () => 'found')]))).toBe('Second.');
  });

  it('names tools as people do', async () => {
    const { ask } = script('replies: [{ calls: [{ tool: files/read-file }, { tool: ghost/x }] }]');
    const tools = [{ name: 'files__read-file', description: '', inputSchema: { type: 'object' } }];
    const { message } = await ask([user('x')], { tools });
    expect(message.content).toMatchObject([{ name: 'files__read-file' }, { name: 'ghost/x' }]);
  });

  it('stops, fails, counts and miswrites as it is told', async () => {
    const { ask } = script(`
replies:
  - { text: I will not., stop: refusal, usage: { inputTokens: 7, cost: 0.5 } }
  - { when: { last_user: fail }, error: { kind: context_length, message: too long } }
  - { when: { last_user: miswrite }, calls: [{ tool: x, malformed: '{"a":' }] }
`);
    const reply = await ask([user('x')]);
    expect(reply.stop).toBe('refusal');
    expect(reply.usage).toMatchObject({ inputTokens: 7, cost: 0.5 });
    await expect(ask([user('fail')])).rejects.toMatchObject({ kind: 'context_length' });
    const { message } = await ask([user('miswrite')]);
    expect(message.content).toMatchObject([{ args: null, malformed: '{"a":' }]);
  });

  it('costs nothing and counts a token for four characters by default', async () => {
    const { usage } = await script('replies: [hello]').ask([user('x'.repeat(4000))]);
    expect(usage.cost).toBe(0);
    expect(usage.inputTokens).toBeGreaterThan(1000);
    expect(usage.inputTokens).toBeLessThan(1050);
    expect(usage.outputTokens).toBeGreaterThan(1);
  });

  it('is heard word by word by who listens', async () => {
    const deltas: ModelDelta[] = [];
    const { ask } = script('replies: [{ thinking: a b, text: "one two\\nthree " }]');
    await ask([user('x')], { onDelta: (delta) => void deltas.push(delta) });
    expect(deltas.map(({ text: piece }) => piece)).toEqual(['a', ' b', 'one', ' two', '\nthree ']);
  });

  it('may be JSON', async () => {
    expect(says(await script('{"replies": [{"text": "json"}]}', 'json').ask([user('x')]))).toBe('json');
  });

  it('is read again after it was mended', async () => {
    const { ask, file } = script('replies: [');
    await expect(ask([user('x')])).rejects.toMatchObject({ kind: 'rejected' });
    writeFileSync(file, 'replies: [mended]');
    expect(says(await ask([user('x')]))).toBe('mended');
  });

  it('ends its delay with the reason of an abort', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const asked = script('replies: [{ text: late, delay: 60000 }]').ask([user('x')], { signal: controller.signal });
    setImmediate(() => controller.abort(reason));
    await expect(asked).rejects.toBe(reason);
  });

  it.each([
    ['replies: [{ text: a }\n', /:2:1: .*]/],
    ['replys: []', /script-\d+\.yaml:1:9: replys is unknown; known are replies/],
    ['replies: []', /:1:10: replies must be a list of at least one reply/],
    ['replies:\n  - { txt: a }', /:2:12: replies\[0]\.txt is unknown; known are when, text/],
    ['replies:\n  - text: 5', /:2:11: replies\[0]\.text must be text/],
    ['replies:\n  - a\n  - calls:\n      - { args: {} }', /:4:9: replies\[1]\.calls\[0]\.tool must be text/],
    ['replies:\n  - { text: a, stop: never }', /replies\[0]\.stop must be one of end, tool_calls/],
    ['replies:\n  - { error: { kind: bad, message: x } }', /replies\[0]\.error\.kind must be one of/],
    ['replies:\n  - { when: { user: x } }', /replies\[0]\.when\.user is unknown/],
    ['replies:\n  - { usage: { tokens: 1 } }', /replies\[0]\.usage\.tokens is unknown/],
    ['replies:\n  - { delay: -1 }', /replies\[0]\.delay must be a number, not below 0/],
    ['42', /the file must be a mapping/],
    ['replies:\n  - { when: { turn: 5 }, text: x }', /no reply for turn 1 \(0 replies in order; user: "hello"\)/],
  ])('with a fault says where: %s', async (source, message) => {
    const { ask } = script(source);
    await expect(ask([user('hello')])).rejects.toMatchObject({
      kind: 'rejected',
      message: expect.stringMatching(message) as string,
    });
  });

  it('that is not there, or of another kind, is told by name', async () => {
    const missing = createModel({ provider: 'scripted', model: '/no/such.yaml', fallback: [] });
    const request = { system: '', messages: [user('x')], tools: [], signal: new AbortController().signal };
    await expect(missing.generate(request)).rejects.toThrow(/^script \/no\/such\.yaml: cannot be read: ENOENT/);
    await expect(script('x', 'txt').ask([user('x')])).rejects.toThrow(/is neither YAML or JSON/);
  });
});

describe('a script module', () => {
  it('sees where the conversation stands and answers in its own code', async () => {
    const { ask } = script(
      `export default async function reply({ turn, user, last, results, tools }) {
        return turn === 0 ? { calls: [{ tool: tools[0].name, args: { user } }] } : { text: last + results.length + results[0].tool };
      }`,
      'mjs',
    );
    const tools = [{ name: 'list', description: '', inputSchema: { type: 'object' } }];
    const { message } = await ask([user('show')], { tools });
    expect(message.content).toMatchObject([{ name: 'list', args: { user: 'show' } }]);
    expect(says(await ask([user('show'), message, withResults(message, () => 'r')], { tools }))).toBe('r1list');
  });

  it('is read again after it was changed', async () => {
    const first = script('export default () => "one"', 'mjs');
    expect(says(await first.ask([user('x')]))).toBe('one');
    writeFileSync(first.file, 'export default () => "two"');
    utimesSync(first.file, 1, 1);
    const second = createModel({ provider: 'scripted', model: first.file, fallback: [] });
    const request = { system: '', messages: [user('x')], tools: [], signal: new AbortController().signal };
    expect(says(await second.generate(request))).toBe('two');
  });

  it('may be TypeScript', async () => {
    expect(says(await script('export default (s: { user: string }) => s.user as string;', 'ts').ask([user('x')]))).toBe(
      'x',
    );
  });

  it.each([
    ['export default () => { throw new Error("boom"); }', /script-\d+\.mjs:1:30: reply\(\) threw: boom/],
    ['export default () => undefined', /returned nothing at turn 0 \(user: "hello"\)/],
    ['export default () => ({ calls: 5 })', /what reply\(\) returned at calls must be a list/],
    ['export default () => 5', /what reply\(\) returned must be text or a mapping/],
    ['export const reply = 5', /must have a function as its default export/],
    ['export default (', /cannot be loaded: /],
  ])('with a fault says where: %s', async (source, message) => {
    const { ask } = script(source, 'mjs');
    await expect(ask([user('hello')])).rejects.toMatchObject({
      kind: 'rejected',
      message: expect.stringMatching(message) as string,
    });
  });

  it('that never answers does not hold up an abort', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const asked = script('export default () => new Promise(() => {})', 'mjs').ask([user('x')], {
      signal: controller.signal,
    });
    setImmediate(() => controller.abort(reason));
    await expect(asked).rejects.toBe(reason);
  });
});
