/** The main job on real input: the command line, a model over HTTP in its real wire format, real MCP servers from npm. */
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, readlink, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/json.ts';
import { json, modelServer, type Responder, sse } from '../providers/model-server.ts';
import { anthropicWire } from '../providers/wire-anthropic.ts';
import { openaiChatWire } from '../providers/wire-openai-chat.ts';
import { openaiWire } from '../providers/wire-openai.ts';
import type { Said, Wire } from '../providers/wire.ts';

const server = modelServer();
const modules = new URL('../../node_modules/@modelcontextprotocol/', import.meta.url).pathname;
const main = new URL('../../src/cli/main.ts', import.meta.url).pathname;

let folder: string;
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'deputy-main-job-')));
  await writeFile(join(folder, 'notes.txt'), 'The lighthouse was built in 1811.\n');
});
afterEach(() => rm(folder, { recursive: true }));

/** Three turns of four calls side by side, on three servers; then the answer. */
const turns = (): Said[] => {
  const call = (name: string, args: JsonObject, id: string) => ({ id, name, args: JSON.stringify(args) });
  const usage = { input: 1_000, cached: 600, output: 50 };
  const lighthouse = { name: 'lighthouse', entityType: 'building', observations: ['in notes.txt'] };
  return [
    {
      text: 'First a look around.',
      usage,
      calls: [
        call('files__list_directory', { path: folder }, 'a1'),
        call('memory__create_entities', { entities: [lighthouse] }, 'a2'),
        call('everything__echo', { message: 'one' }, 'a3'),
        call('everything__get-sum', { a: 2, b: 40 }, 'a4'),
      ],
    },
    {
      usage,
      calls: [
        call('files__read_text_file', { path: join(folder, 'notes.txt') }, 'b1'),
        call('everything__get-tiny-image', {}, 'b2'),
        call('files__write_file', { path: join(folder, 'report.txt'), content: 'Built in 1811.' }, 'b3'),
        call('memory__add_observations', { observations: [{ entityName: 'lighthouse', contents: ['1811'] }] }, 'b4'),
      ],
    },
    {
      usage,
      calls: [
        call('memory__read_graph', {}, 'c1'),
        call('files__read_text_file', { path: join(folder, 'report.txt') }, 'c2'),
        call('everything__echo', { message: 'three' }, 'c3'),
        call('files__get_file_info', { path: join(folder, 'report.txt') }, 'c4'),
      ],
    },
    { text: 'It was built in 1811; the report is written.', usage },
  ];
};

const config = (wire: Wire): string => `
version: 1
permissions: { allow: ['*/*'] }
models:
  tested:
    model: ${wire.provider}/${wire.model}
    base_url: ${server.url}${wire.base}
    api_key: "\${env:TEST_KEY}"
    price: { input: 3, output: 15, cached_input: 0.3 }
mcpServers:
  files: { command: node, args: ["${modules}server-filesystem/dist/index.js", "."] }
  memory: { command: node, args: ["${modules}server-memory/dist/index.js"], env: { MEMORY_FILE_PATH: "${folder}/memory.jsonl" } }
  everything: { command: node, args: ["${modules}server-everything/dist/index.js"] }
agents:
  keeper:
    description: Keeps track of buildings.
    model: tested
    instructions: Work carefully.
    tools: [files/*, memory/*, everything/*]
`;

describe.each([anthropicWire, openaiWire, openaiChatWire])('run over $provider', (wire) => {
  /** As the request wants it: in one piece, or streamed. */
  const reply =
    (said: Said): Responder =>
    (response, request, body) =>
      (body['stream'] === true ? sse(wire.events(said)) : json(wire.whole(said)))(response, request, body);

  it('does three turns of four parallel calls on real servers and gives answer and usage', async () => {
    await writeFile(join(folder, 'agents.yaml'), config(wire));
    server.answer(...turns().map(reply));

    const { code, stdout, stderr } = await deputy(['run', 'keeper', 'When was the lighthouse built?', '--json']);

    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(JSON.parse(stdout)).toMatchObject({
      status: 'completed',
      stop: 'answer',
      answer: 'It was built in 1811; the report is written.',
      turns: 4,
      model: `${wire.provider}/${wire.model}`,
      usage: { inputTokens: 4_000, cachedInputTokens: 2_400, outputTokens: 200 },
    });
    // 4 x (400 x 3 + 600 x 0.3 + 50 x 15) / 10^6
    expect(JSON.parse(stdout).cost).toBeCloseTo(0.00852, 8);
    expect(server.asked).toHaveLength(4);

    const results = wire.heard(server.asked[3]?.body ?? {}).filter((line) => line.startsWith('result '));
    expect(results.map((line) => line.split(/[: ]/)[1])).toEqual([
      'a1',
      'a2',
      'a3',
      'a4',
      'b1',
      'b2',
      'b3',
      'b4',
      'c1',
      'c2',
      'c3',
      'c4',
    ]);
    const said = results.join('\n');
    for (const fact of ['notes.txt', 'Echo: one', 'The sum of 2 and 40 is 42', 'lighthouse was built in 1811', '1811'])
      expect(said).toContain(fact);
    expect(results[9]).toContain('Built in 1811.');
    expect(said).not.toContain(' error');
    expect(await readFile(join(folder, 'report.txt'), 'utf8')).toBe('Built in 1811.');
  });

  it('streams the answer and leaves no process behind', async () => {
    await writeFile(join(folder, 'agents.yaml'), config(wire));
    server.answer(...turns().map(reply));

    const { code, stdout } = await deputy(['run', 'keeper', 'When was the lighthouse built?', '--stream-json']);

    expect(code).toBe(0);
    const events = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as JsonObject);
    const deltas = events.flatMap(({ type, text }) =>
      type === 'text_delta' && typeof text === 'string' ? [text] : [],
    );
    expect(deltas.join('')).toBe('First a look around.It was built in 1811; the report is written.');
    expect(events.filter((event) => event['type'] === 'tool_end')).toHaveLength(12);
    expect(server.asked.every(({ body }) => body['stream'] === true)).toBe(true);
    await expect.poll(() => processesIn(folder)).toEqual([]);
  });
});

function deputy(args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [main, '-c', join(folder, 'agents.yaml'), ...args], {
    env: { PATH: process.env['PATH'], HOME: folder, TEST_KEY: 'test-key-0123456789' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => (stdout += String(chunk)));
  child.stderr.on('data', (chunk) => (stderr += String(chunk)));
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr })));
}

/** Command lines of the processes whose working directory is `cwd`. */
async function processesIn(cwd: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const at = await readlink(`/proc/${pid}/cwd`).catch(() => '');
      return at === cwd ? readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '') : '';
    }),
  );
  return found.filter((line) => line !== '');
}
