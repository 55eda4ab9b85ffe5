/** A network of fake agents for the tests of this room: one behaviour each. */
import { EventEmitter, once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { schemaCheck } from '../../src/json-schema.ts';
import type { JsonObject } from '../../src/json.ts';
import { silentLog } from '../../src/log.ts';
import type { ServedAgent, ServeOptions } from '../../src/mcp-server/options.ts';
import { text } from '../../src/task/content.ts';
import type { Approval, InputRequest, InputResponse } from '../../src/task/question.ts';
import { echo, endless, FakeEngine, type FakeAgent } from './fake-engine.ts';

const cityInput: JsonObject = {
  type: 'object',
  properties: { city: { type: 'string', 'x-mcp-header': 'City' }, days: { type: 'integer', minimum: 1 } },
  required: ['city'],
  additionalProperties: false,
};

const cityOutput: JsonObject = {
  type: 'object',
  properties: { city: { type: 'string' }, degrees: { type: 'number' } },
  required: ['city', 'degrees'],
};

/** Deliberately out of order: the list is sorted. */
const agents: ServedAgent[] = [
  {
    name: 'weather',
    description: 'Tells the weather.',
    input: { schema: cityInput, check: schemaCheck(cityInput) },
    output: { schema: cityOutput },
  },
  {
    name: 'echo',
    title: 'Echo',
    description: 'Says what it was told.',
    annotations: { readOnlyHint: true, openWorldHint: false },
    icons: [{ src: 'data:image/svg+xml;base64,PHN2Zy8+', mimeType: 'image/svg+xml' }],
  },
  { name: 'endless', description: 'Works until it is stopped.' },
  { name: 'silent', description: 'Says nothing until `release` is called.' },
  { name: 'release', description: 'Lets `silent` answer.' },
  {
    name: 'shapeless',
    description: 'Promises a shape and does not keep to it.',
    output: { schema: cityOutput },
  },
  {
    name: 'busy',
    description: 'Thinks, then reads a file; told `step by step`, each lasts until `release` is called.',
  },
  { name: 'painter', description: 'Answers with every kind of content.' },
  { name: 'limited', description: 'Runs into a limit.' },
  { name: 'broken', description: 'Fails by a fault of ours.' },
  { name: 'stopped', description: 'Is cancelled by somebody else.' },
  { name: 'witness', description: 'Tells how many tasks were cancelled, and how many others work.' },
  { name: 'asker', description: 'Asks for a name, deep inside.' },
  { name: 'pair', description: 'Asks two things at once.' },
  { name: 'nest', description: 'Calls an agent of another Deputy, which works until `release` is called.' },
  { name: 'middle', description: 'Hands on what agents of other Deputies ask: for words, and for an approval.' },
  { name: 'curious', description: 'Asks everything that can be asked, at once.' },
  { name: 'pest', description: 'Asks twelve times.' },
  { name: 'keeper', description: 'Keeps a long text.' },
  { name: 'listener', description: 'Asks for a name, and says what it was told meanwhile.' },
  { name: 'lent', description: "Thinks with its caller's model, which may use tools." },
  { name: 'ponder', description: "Thinks twelve times, with its caller's model." },
  { name: 'lent_only', description: 'The same, and says so.', needs: ['sampling.tools'] },
  { name: 'thinker', description: "Needs its caller's model.", needs: ['sampling'] },
];

const lent: FakeAgent = async ({ context }) => {
  const messages = [{ role: 'user', content: { type: 'text', text: 'Think.' } }];
  const tools = [{ name: 'look', inputSchema: { type: 'object' } }];
  const answer = await context.requestInput('turn 1', {
    kind: 'sampling',
    params: { messages, maxTokens: 10, tools, toolChoice: { mode: 'auto' } },
  });
  return answer.action === 'accept' ? JSON.stringify(answer.content) : `no thought: ${answer.action}`;
};

const work: Record<string, FakeAgent> = {
  lent,
  lent_only: lent,
  ponder: async ({ context }) => {
    const messages = [{ role: 'user', content: { type: 'text', text: 'Think.' } }];
    for (let turn = 1; turn <= 12; turn += 1) {
      await context.requestInput(`turn ${turn}`, { kind: 'sampling', params: { messages, maxTokens: turn } });
    }
    return 'thought through';
  },
  echo,
  endless,
  thinker: echo,
  weather: async ({ task }) => ({ structuredContent: { city: task.input['city'] ?? null, degrees: 21.5 } }),
  shapeless: async () => 'just words',
  painter: async () => ({
    content: [
      text('a picture, a sound, a file and a link'),
      { type: 'image', data: 'aGk=', mimeType: 'image/png' },
      { type: 'audio', data: 'aGk=', mimeType: 'audio/wav' },
      { type: 'resource', uri: 'file:///notes.txt', mimeType: 'text/plain', text: 'notes' },
      { type: 'resource', uri: 'file:///notes.bin', blob: 'aGk=' },
      { type: 'resource_link', uri: 'file:///more.txt', name: 'more' },
    ],
  }),
  limited: async () => ({ content: [text('I had 3 turns.')], isError: true, stop: 'limit', limit: 'turns' }),
  asker: async ({ context }) => {
    const answer = await context.branch('turn 1', (branch) => branch.requestInput('who', nameForm('Who are you?')));
    return answer.action === 'accept' ? `Hello, ${nameIn(answer)}.` : `Nobody: ${answer.action}.`;
  },
  pair: async ({ context }) => {
    const ask = (name: string) => context.branch(name, (branch) => branch.requestInput('who', nameForm(`${name}?`)));
    const answers = await Promise.all([ask('first'), ask('second')]);
    return answers.map(nameIn).join(' and ');
  },
  middle: async ({ context }) => {
    const { schema } = nameForm('');
    const message = 'middle → bank/payer asks:\n> Which account?';
    const { hash, bytes } = relayedApproval;
    const answers = await Promise.all([
      context.requestInput('account', {
        kind: 'form',
        message,
        schema,
        chain: ['middle', 'bank/payer'],
        words: 'Which account?',
      }),
      context.requestInput('pay', {
        kind: 'form',
        message: bytes,
        schema,
        mustDecide: true,
        approval: relayedApproval,
      }),
    ]);
    return `${answers.map(nameIn).join(' and ')} for ${hash}`;
  },
  curious: async ({ context }) => {
    const messages = [{ role: 'user', content: { type: 'text', text: 'Think.' } }];
    const questions: Record<string, InputRequest> = {
      form: nameForm('Who are you?'),
      url: { kind: 'url', message: 'Open this.', url: 'https://example.org/open', elicitationId: 'e-1' },
      thought: { kind: 'sampling', params: { messages, maxTokens: 10 } },
      folders: { kind: 'roots' },
    };
    const answers = Object.entries(questions).map(async ([name, request]) => {
      const answer = await context.requestInput(name, request);
      return `${name}: ${answer.action === 'accept' ? JSON.stringify(answer.content) : answer.action}`;
    });
    return (await Promise.all(answers)).join('\n');
  },
  pest: async ({ context }) => {
    for (let round = 1; round <= 12; round += 1) await context.requestInput(`round_${round}`, nameForm('Again?'));
    return 'thank you';
  },
  keeper: async ({ context }) => {
    await context.step('work', () => context.keep('report', 'All was well.\n'.repeat(1000)));
    return 'kept';
  },
  listener: async ({ context }) => {
    await context.requestInput('who', nameForm('Who are you?'));
    return context.step('read', async () => `heard: ${context.inbox.map(({ text: said }) => said).join(', ')}`);
  },
  broken: async () => {
    throw new Error('a wire came loose');
  },
};

/** As it was asked three levels below. */
export const relayedApproval: Approval = {
  hash: 'a'.repeat(64),
  chain: ['middle', 'bank/payer', 'teller/clerk'],
  tool: 'ledger/pay',
  bytes: '{"amount":12.50,"to":"DE12"}',
  effect: 'unsafe',
  rule: 'the default',
  change: '- Pays.\n+ Pays twice.',
};

/** What was answered to `nameForm`. */
function nameIn(answer: InputResponse): string {
  if (answer.action !== 'accept') return answer.action;
  const { name } = answer.content;
  return typeof name === 'string' ? name : JSON.stringify(name);
}

const nameForm = (message: string): InputRequest & { kind: 'form' } => ({
  kind: 'form',
  message,
  schema: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] },
});

/** `progressMs` is short, so that nobody waits for seconds to see a sign of life. */
export function fakeNetwork(
  more: Partial<Omit<ServeOptions, 'engine'>> = {},
  path?: string,
): {
  engine: FakeEngine;
  options: ServeOptions;
} {
  const released = new EventEmitter();
  const engine: FakeEngine = new FakeEngine(
    {
      ...work,
      stopped: async ({ task }) => {
        await engine.cancel(task.id, task.owner);
        return 'nobody hears this';
      },
      silent: async () => {
        await once(released, 'release');
        return 'at last';
      },
      busy: async ({ task, emit }) => {
        const lasts = () => (task.input['message'] === 'step by step' ? once(released, 'release') : sleep(160));
        const agent = 'busy';
        const call = { agent, callId: '1', tool: 'files/read' };
        emit({ type: 'turn_start', agent, turn: 1 });
        await lasts();
        emit({ type: 'text_delta', agent, text: 'not for the caller' });
        emit({ ...call, type: 'tool_start', args: { path: 'secret.txt' } });
        await lasts();
        emit({ ...call, type: 'tool_end', isError: false, summary: '12 lines' });
        return 'read it';
      },
      nest: async ({ context }) =>
        context.branch('turn 1: call 1', async (branch) => {
          const call = { agent: 'nest', callId: '1', tool: 'lab__triage' };
          branch.emit({ ...call, type: 'tool_start', args: {} });
          for (let turn = 1; turn <= 1000; turn += 1) {
            const below = [{ chain: ['lab/triage', 'bank/payer'], line: `thinks, turn ${turn}` }];
            branch.emit({ ...call, type: 'tool_progress', progress: turn, below });
          }
          await once(released, 'release');
          return 'paid';
        }),
      release: async () => `${released.emit('release')}`,
      witness: async () => `${engine.cancelled.length} cancelled, ${engine.working - 1} at work`,
    },
    path,
  );
  const options: ServeOptions = {
    engine,
    lines: engine.lines,
    agents,
    name: 'fake-network',
    version: '1.2.3',
    instructions: 'Ask echo first.',
    log: silentLog,
    progressMs: 20,
    ...more,
  };
  return { engine, options };
}
