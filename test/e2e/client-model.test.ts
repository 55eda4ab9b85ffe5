/** `model: client` over the wire: real clients of both eras lend their model, and Deputies lend what was lent to them. */
import { Client as ModernClient } from '@modelcontextprotocol/client';
import { StdioClientTransport as ModernStdio } from '@modelcontextprotocol/client/stdio';
import { Client as V1Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as V1Stdio } from '@modelcontextprotocol/sdk/client/stdio.js';
import {
  CallToolResultSchema,
  CreateMessageRequestSchema,
  CreateTaskResultSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Folder, folder, repository } from '../cli/run-cli.ts';

// oxlint-disable-next-line typescript/no-explicit-any -- both SDKs' shapes of the same message, looked into by tests
type Message = Record<string, any>;

/** A small model: it calls the first tool that it has once, and then tells what that said. */
function smallModel({ systemPrompt, messages, tools }: Message): Message {
  const last = (messages as Message[]).at(-1)?.['content'] as Message;
  const said = { role: 'assistant', model: 'small', stopReason: 'endTurn' };
  if (last['type'] === 'tool_result')
    return { ...said, content: { type: 'text', text: `${systemPrompt} was told: ${last['content'][0].text}` } };
  const [tool] = tools as Message[];
  const args = tool?.['name'].includes('sum') === true ? { a: 2, b: 40 } : { message: 'add them' };
  return { ...said, stopReason: 'toolUse', content: { type: 'tool_use', id: 'u1', name: tool?.['name'], input: args } };
}

const everything = `${repository}/node_modules/@modelcontextprotocol/server-everything/dist/index.js`;
const main = `${repository}/src/cli/main.ts`;

const child = `version: 1
permissions: { allow: ["*/*"] }
mcpServers:
  everything: { command: node, args: ["${everything}"] }
agents:
  adder: { description: Adds., model: client, instructions: CHILD, tools: [everything/get-sum] }
`;

let where: Folder;
beforeEach(async () => {
  where = await folder({ 'agents.yaml': child });
});
afterEach(() => where.remove());

/** What the model was asked, and what it says: the small model's words, unless a test puts something before them. */
interface Thinking {
  asked: Message[];
  before?: (params: Message) => Promise<void>;
}

async function think({ asked, before }: Thinking, { params }: Message): Promise<never> {
  asked.push(params as Message);
  await before?.(params as Message);
  return smallModel(params as Message) as never;
}

const info = { name: 'lender', version: '1' };
const command = (file: string) => ({
  command: process.execPath,
  args: [main, '--config', file, 'serve', '--stdio'],
  cwd: where.path,
  env: { PATH: process.env['PATH'] ?? '', HOME: where.home },
  stderr: 'ignore' as const,
});

async function v1(thinking: Thinking, file = 'agents.yaml') {
  const client = new V1Client(info, { capabilities: { sampling: { tools: {} } } });
  client.setRequestHandler(CreateMessageRequestSchema, (request) => think(thinking, request));
  const transport = new V1Stdio(command(file));
  await client.connect(transport);
  return { client, transport };
}

async function modern(thinking: Thinking, file = 'agents.yaml') {
  const client = new ModernClient(info, {
    versionNegotiation: { mode: { pin: '2026-07-28' } },
    capabilities: { sampling: { tools: {} } },
  });
  client.setRequestHandler('sampling/createMessage', (request) => think(thinking, request));
  await client.connect(new ModernStdio(command(file)));
  return { client };
}

const answer = 'CHILD was told: The sum of 2 and 40 is 42.';

describe.each([
  ['2025-11-25', v1],
  ['2026-07-28', modern],
] as const)('a client of %s', (_, open) => {
  test('lends its model, with tools, and gets the answer', { timeout: 120_000 }, async () => {
    const thinking: Thinking = { asked: [] };
    const { client } = await open(thinking);
    try {
      const call = { name: 'adder', arguments: { message: 'What is 2 and 40?' } };
      const result = (await client.callTool(call)) as Message;
      expect(result).toMatchObject({ content: [{ text: answer }] });
      expect(thinking.asked).toHaveLength(2);
      expect(thinking.asked[0]).toMatchObject({ systemPrompt: 'CHILD', tools: [{ name: 'everything__get-sum' }] });
    } finally {
      await client.close();
    }
  });
});

test('a crash between two turns loses neither the question nor what was answered', { timeout: 120_000 }, async () => {
  const first: Thinking = { asked: [] };
  const one = await v1(first);
  const { pid } = one.transport;
  if (pid === null) throw new Error('no process');
  const over = Promise.withResolvers<void>();
  // It dies while the client's model thinks about the second turn.
  first.before = async ({ messages }) => {
    if ((messages as Message[]).length < 3) return;
    process.kill(pid, 'SIGKILL');
    await over.promise;
  };
  const params = { name: 'adder', arguments: { message: 'What is 2 and 40?' }, task: {} };
  const { task } = await one.client.request({ method: 'tools/call', params }, CreateTaskResultSchema);
  const lost = one.client.experimental.tasks.getTaskResult(task.taskId, CallToolResultSchema);
  await expect(lost).rejects.toThrow();
  over.resolve();

  const second: Thinking = { asked: [] };
  const two = await v1(second);
  try {
    const result = await two.client.experimental.tasks.getTaskResult(task.taskId, CallToolResultSchema);
    expect(result).toMatchObject({ content: [{ text: answer }] });
    expect(first.asked).toHaveLength(2);
    // The one that was open, word for word; the first turn and its call are not made again.
    expect(second.asked.map(({ messages }) => messages as Message)).toEqual([first.asked[1]?.['messages']]);
  } finally {
    await two.client.close();
  }
});

test(
  'a Deputy under a Deputy thinks with the model of the one above, here with what was lent to that',
  {
    timeout: 120_000,
  },
  async () => {
    await where.write({
      'lab/agents.yaml': child,
      'top.yaml': `version: 1
store: { sqlite: top.db }
permissions: { allow: ["*/*"] }
mcpServers:
  lab:
    command: node
    args: ["${main}", --config, lab/agents.yaml, serve, --stdio]
    deputy: true
    sampling: true
agents:
  root: { description: Delegates., model: client, instructions: ROOT, tools: [lab/adder] }
`,
    });
    for (const open of [v1, modern]) {
      const thinking: Thinking = { asked: [] };
      const { client } = await open(thinking, 'top.yaml');
      try {
        const result = (await client.callTool({ name: 'root', arguments: { message: 'Go.' } })) as Message;
        expect(result).toMatchObject({ content: [{ text: `ROOT was told: ${answer}` }] });
        expect(thinking.asked.map(({ systemPrompt }) => systemPrompt as string)).toEqual([
          'ROOT',
          'CHILD',
          'CHILD',
          'ROOT',
        ]);
      } finally {
        await client.close();
      }
    }
  },
);

const boss = `
export default ({ system, turn, last, tools }) => ({
  usage: { inputTokens: 100, outputTokens: 10 },
  ...(turn > 0
    ? { text: system + ' was told: ' + last }
    : system === 'BOSS'
      ? { calls: [{ tool: 'lab/adder', args: { message: 'go' } }, { tool: 'lab/limited', args: { message: 'go' } }] }
      : { calls: [{ tool: tools[0].name, args: { a: 2, b: 40 } }] }),
});
`;

test.each(['2025-11-25', '2026-07-28'])(
  'over %s, what the model above used is counted once, and holds for the limits below',
  { timeout: 120_000 },
  async (protocol) => {
    const limited =
      'limited: { description: Adds., model: client, instructions: CHILD, tools: [everything/get-sum], limits: { tokens: 100 } }';
    await where.write({
      'lab/agents.yaml': `${child}  ${limited}\n`,
      'boss.mjs': boss,
      'top.yaml': `version: 1
store: { sqlite: top.db }
permissions: { allow: ["*/*"] }
mcpServers:
  lab:
    command: node
    args: ["${main}", --config, lab/agents.yaml, serve, --stdio]
    deputy: true
    sampling: true
    protocol: ${protocol}
agents:
  boss: { description: Delegates., model: scripted/boss.mjs, instructions: BOSS, tools: ["lab/*"], limits: { tokens: 10k } }
`,
    });
    const thinking: Thinking = { asked: [] };
    const { client } = await modern(thinking, 'top.yaml');
    try {
      const result = (await client.callTool({ name: 'boss', arguments: { message: 'Go.' } })) as Message;
      expect(result['content'][0].text).toContain('limited stopped: it has used 110 of its 100 tokens');
      // Two replies of the boss for itself, two for the adder, one for the limited one.
      expect(result['_meta']['dev.deputy-mcp/task'].usage).toMatchObject({ inputTokens: 500, outputTokens: 50 });
      expect(thinking.asked).toEqual([]);
    } finally {
      await client.close();
    }
  },
);
