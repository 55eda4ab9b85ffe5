/**
 * A hand-written stdio server that misbehaves in the way that its first argument names. Run as
 * `node hostile-server.ts MODE [FILE]`; FILE is where it notes pids, one a line.
 */
import { spawn } from 'node:child_process';
import { appendFileSync, existsSync, writeFileSync } from 'node:fs';

const [mode = '', notes = ''] = process.argv.slice(2);
type Message = { id?: number | string; method?: string; params?: Record<string, never> };

const write = (line: string): boolean => process.stdout.write(line);
const send = (message: object): boolean => write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
const answer = (id: Message['id'], result: object): boolean => send({ id, result });
const note = (line: string): void => {
  if (notes !== '') appendFileSync(notes, `${line}\n`);
};
note(`pid ${process.pid}`);

if (mode === 'dies-at-start') {
  process.stderr.write('cannot open the database\nE_NO_DB at startup\n');
  process.exit(3);
}
if (mode === 'dies-at-start-once' && !existsSync(`${notes}.died`)) {
  writeFileSync(`${notes}.died`, '');
  process.exit(3);
}
if (mode === 'ignores-sigterm') {
  process.on('SIGTERM', () => note('sigterm'));
  const child = spawn(process.execPath, ['-e', 'process.on("SIGTERM",()=>{});setInterval(()=>{},1000)'], {
    stdio: 'ignore',
  });
  note(`pid ${child.pid}`);
  setInterval(() => {}, 1000);
}
if (mode === 'never-reads') {
  setInterval(() => {}, 1000);
} else {
  let rest = '';
  process.stdin.setEncoding('utf8');
  process.stdin.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) hear(JSON.parse(line) as Message);
  });
}
if (mode === 'stderr-flood')
  for (let n = 0; n < 2_000; n += 1) process.stderr.write(`noise ${n} ${'x'.repeat(1_000)}\n`);

const objectSchema = { type: 'object', properties: {} };
const tool = (name: string, more: object = {}): object => ({
  name,
  description: name,
  inputSchema: objectSchema,
  ...more,
});

function tools(): unknown[] {
  const outputSchema = { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] };
  const slow = { type: 'object', properties: { s: { type: 'string', pattern: '^(a+)+$' } } };
  if (mode === 'bad-tools') {
    return [
      tool('act'),
      tool('act', { description: 'again' }),
      { name: 'no-schema' },
      tool('not-object', { inputSchema: { type: 'string' } }),
      tool('a.b/c d', { description: 'odd name' }),
      tool('x'.repeat(80)),
      tool('poisoned', { description: 'nice\u200B\u202E\u001B[31m tool\u{E0041}\u{E0042}' + 'y'.repeat(10_000) }),
      tool('loops', {
        inputSchema: {
          type: 'object',
          properties: { a: { $ref: '#/$defs/A' } },
          $defs: { A: { anyOf: [{ $ref: '#/$defs/A' }] } },
        },
      }),
      'no tool at all',
    ];
  }
  return [tool('act'), tool('other'), tool('typed', { outputSchema }), tool('slow', { outputSchema: slow })];
}

function hear({ id, method, params }: Message): void {
  if (method === 'initialize') {
    answer(id, {
      protocolVersion: '2025-11-25',
      capabilities: { tools: { listChanged: true } },
      serverInfo: { name: 'hostile', version: '1' },
    });
  } else if (method === 'server/discover') {
    if (mode === 'dies-of-the-probe') process.exit(1);
    if (mode !== 'silent-on-probe') send({ id, error: { code: -32601, message: 'Method not found' } });
  } else if (method === 'tools/list') list(id, params);
  else if (method === 'tools/call') act(id, params);
  else if (method === 'notifications/cancelled') note('cancelled');
  else if (method === 'ping' && mode !== 'hangs') answer(id, {});
}

function list(id: Message['id'], params: Message['params']): void {
  if (mode === 'endless-pages') {
    const page = Number.parseInt((params as { cursor?: string } | undefined)?.cursor ?? '0', 10);
    answer(id, { tools: [tool(`t${page}`)], nextCursor: String(page + 1) });
  } else if (mode === 'same-cursor') answer(id, { tools: [tool('act')], nextCursor: 'again' });
  else if (mode === 'list-is-no-list') answer(id, { tools: 'none' });
  else answer(id, { tools: tools() });
  if (mode === 'list-changed-storm') {
    note('list');
    for (let n = 0; n < 5_000; n += 1) send({ method: 'notifications/tools/list_changed' });
  }
}

function act(id: Message['id'], params: Message['params']): void {
  note('call');
  const done = { content: [{ type: 'text', text: 'done' }] };
  if (params?.['name'] === ('other' as never)) {
    answer(id, done);
    return;
  }
  const modes: Record<string, () => void> = {
    'dies-in-call': () => {
      process.stderr.write('segmentation fault\n');
      process.exit(139);
    },
    hangs: () => {},
    'hangs-one': () => {},
    garbage: () => {
      write('this is no JSON\n{"neither": "is this"}\n{broken\n\n');
      answer(id, done);
    },
    'flood-without-newline': () => flood('x'.repeat(1024 * 1024)),
    'flood-with-newlines': () => flood(`${'x'.repeat(1_023)}\n`.repeat(1_024)),
    'huge-message': () => answer(id, { content: [{ type: 'text', text: 'x'.repeat(40 * 1024 * 1024) }] }),
    'large-message': () => answer(id, { content: [{ type: 'text', text: 'x'.repeat(12 * 1024 * 1024) }] }),
    duplicates: () => {
      answer(id, done);
      answer(id, { content: [{ type: 'text', text: 'second answer' }] });
      answer(12_345, done);
      answer('who', done);
    },
    'output-schema': () => answer(id, { ...done, structuredContent: { n: 'not a number' } }),
    'slow-pattern': () => answer(id, { ...done, structuredContent: { s: `${'a'.repeat(40)}!` } }),
    'no-object': () => answer(id, [1, 2, 3]),
    'odd-error': () => send({ id, error: 'it broke' }),
    'no-content': () => answer(id, { nothing: true }),
    'content-no-list': () => answer(id, { content: 'text' }),
    'odd-content': () => answer(id, { content: [{ type: 'hologram', beam: 1 }, null, 7, { type: 'image' }] }),
    deep: () =>
      write(
        `{"jsonrpc":"2.0","id":${id},"result":{"content":[],"structuredContent":${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}}}\n`,
      ),
    task: () => answer(id, { task: { taskId: 'x', status: 'working', ttl: null, createdAt: '', lastUpdatedAt: '' } }),
    'rpc-error': () => send({ id, error: { code: -32042, message: 'no\u001B[31m way' } }),
    progress: () => {
      const token = (params as { _meta?: { progressToken?: number } } | undefined)?._meta?.progressToken;
      let n = 0;
      const timer = setInterval(() => {
        n += 1;
        if (n < 8) send({ method: 'notifications/progress', params: { progressToken: token, progress: n, total: 8 } });
        else {
          clearInterval(timer);
          answer(id, done);
        }
      }, 300);
    },
    'progress-with-answer': () => {
      const progressToken = (params as { _meta?: { progressToken?: number } } | undefined)?._meta?.progressToken;
      const lines = [
        { method: 'notifications/progress', params: { progressToken, progress: 1, total: 1 } },
        { id, result: done },
      ];
      write(lines.map((line) => `${JSON.stringify({ jsonrpc: '2.0', ...line })}\n`).join(''));
    },
    'progress-for-ever': () => {
      const token = (params as { _meta?: { progressToken?: number } } | undefined)?._meta?.progressToken;
      let n = 0;
      setInterval(
        () => send({ method: 'notifications/progress', params: { progressToken: token, progress: (n += 1) } }),
        20,
      );
    },
    asks: () => {
      send({
        id: 'q1',
        method: 'elicitation/create',
        params: { message: 'who are you?', requestedSchema: objectSchema },
      });
      send({ id: 'q2', method: 'sampling/createMessage', params: { messages: [], maxTokens: 1 } });
      answer(id, done);
    },
    'leaves-a-child': () => {
      const child = spawn(process.execPath, ['-e', 'setInterval(()=>{},1000)'], { stdio: 'inherit' });
      note(`pid ${child.pid}`);
      process.exit(1);
    },
    env: () => answer(id, { content: [{ type: 'text', text: JSON.stringify(process.env) }] }),
  };
  const asked = (params?.['arguments'] as { mode?: string } | undefined)?.mode ?? mode;
  (modes[asked] ?? (() => answer(id, done)))();
}

function flood(piece: string): void {
  while (process.stdout.write(piece));
  process.stdout.once('drain', () => flood(piece));
}
