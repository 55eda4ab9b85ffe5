/** A stdio server whose tools are bombs: run as `node bombs.ts MODE`. What it says fits the protocol; it is only too much. */
const [mode = ''] = process.argv.slice(2);

const send = (message: object): boolean => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);

/** 2^40 ways to look at one value, in a few lines. */
const doubling = {
  type: 'object',
  properties: { a: { $ref: '#/$defs/d0' } },
  $defs: Object.fromEntries(
    Array.from({ length: 40 }, (_, n) => [
      `d${n}`,
      n === 39 ? { type: 'string' } : { allOf: [{ $ref: `#/$defs/d${n + 1}` }, { $ref: `#/$defs/d${n + 1}` }] },
    ]),
  ),
};
const pattern = { type: 'object', properties: { a: { type: 'string', pattern: '^(a+)+$' } } };
const wide = (keyword: object): object => ({
  type: 'object',
  properties: Object.fromEntries(Array.from({ length: 1_500 }, (_, n) => [`p${n}`, keyword])),
});
const deep = (levels: number): object => (levels === 0 ? {} : { type: 'object', properties: { a: deep(levels - 1) } });

const schemas: Record<string, object> = {
  'doubling references': doubling,
  'a backtracking pattern': pattern,
  'patterns without end': wide({ type: 'string', pattern: '^([a-z]+){1,20}(x|y)*z$' }),
  'a schema 5,000 levels deep': deep(5_000),
  'a list of unique items': { type: 'object', properties: { a: { type: 'array', uniqueItems: true } } },
};

function tools(): object[] {
  const tool = (name: string, inputSchema: object, description = name): object => ({ name, inputSchema, description });
  const plain = { type: 'object' };
  if (mode === '2,000 tools')
    return [
      tool('act', plain),
      ...Array.from({ length: 2_000 }, (_, n) => tool(`t${n}`, wide({ type: 'string' }), 'x'.repeat(2_000))),
    ];
  if (mode === 'a description of 8 MB') return [tool('act', plain, '\u200B'.repeat(2 ** 22) + 'y'.repeat(2 ** 22))];
  return [tool('act', schemas[mode] ?? plain)];
}

function hear({ id, method }: { id?: number; method?: string }): void {
  const answers: Record<string, () => object> = {
    initialize: () => ({
      protocolVersion: '2025-11-25',
      capabilities: { tools: {} },
      serverInfo: { name: 'bombs', version: '1' },
    }),
    'tools/list': () => ({ tools: tools() }),
    'tools/call': () => ({ content: [{ type: 'text', text: 'done' }] }),
    ping: () => ({}),
  };
  const answer = answers[method ?? ''];
  if (answer !== undefined) send({ id, result: answer() });
  else if (id !== undefined) send({ id, error: { code: -32601, message: 'Method not found' } });
}

let rest = '';
process.stdin.setEncoding('utf8').on('data', (chunk: string) => {
  const lines = (rest + chunk).split('\n');
  rest = lines.pop() ?? '';
  for (const line of lines) hear(JSON.parse(line) as { id?: number; method?: string });
});
