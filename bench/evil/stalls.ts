/**
 * For how long servers that do their worst hold up everybody else: the longest that the event loop of the process stood
 * still while a server was started, listed, called and closed. What each of them may not do is tested
 * (`test/mcp-client/hostile*.test.ts`); here it is only the time that counts.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ToolCallOptions } from '../../src/agent/tool.ts';
import type { Json } from '../../src/json.ts';
import { silentLog } from '../../src/log.ts';
import { openServers } from '../../src/mcp-client/open-servers.ts';

/** Milliseconds. */
const target = 50;
/** What a busy machine adds is not the same each time; what a server causes is: the least of so many counts. */
const tries = 3;

/** Of `test/mcp-client/hostile-server.ts`; the first behaves, and shows what the machine itself does. */
const behaviours = [
  'behaves bad-tools slow-pattern deep odd-content garbage duplicates asks large-message huge-message',
  'flood-with-newlines flood-without-newline stderr-flood list-changed-storm endless-pages progress-for-ever',
  'dies-in-call hangs',
].flatMap((names) => names.split(' '));
/** Of `bombs.ts`. */
const bombs = [
  'doubling references',
  'a backtracking pattern',
  'patterns without end',
  'a schema 5,000 levels deep',
  'a list of unique items',
  '2,000 tools',
  'a description of 8 MB',
];

/** What a model might send to find the weak place of a schema. */
const nasty: Json[] = [
  { a: `${'a'.repeat(100_000)}!` },
  { a: Array.from({ length: 15_000 }, (_, n) => ({ n })) },
  Object.fromEntries(Array.from({ length: 1_500 }, (_, n) => [`p${n}`, 'ab'.repeat(200)])),
];

/** Prints a table, worst first. Slow machines fail nothing. */
export async function stalls(): Promise<void> {
  // What is loaded once is loaded before.
  await use('behaves', '../../test/mcp-client/hostile-server.ts');
  const rows = [
    ...(await measured(behaviours, '../../test/mcp-client/hostile-server.ts')),
    ...(await measured(bombs, './bombs.ts')),
  ];
  const [quiet] = rows;
  const [worst] = rows.toSorted((a, b) => b.ms - a.ms);
  const lines = rows
    .toSorted((a, b) => b.ms - a.ms)
    .map(({ name, ms }) => `${name.padEnd(32)}${ms.toFixed(0).padStart(8)}\n`);
  const isMet = (worst?.ms ?? 0) <= target;
  process.stdout.write(
    `${'a server with'.padEnd(32)}${'stall ms'.padStart(8)}\n${lines.join('')}\n` +
      `${isMet ? 'met' : 'MISSED'}: while servers do their worst, the event loop stands still for ${worst?.ms.toFixed(0)} ms at most ("${worst?.name}"; at most ${target}, and ${quiet?.ms.toFixed(0)} with a server that behaves)\n`,
  );
}

async function measured(modes: readonly string[], file: string): Promise<{ name: string; ms: number }[]> {
  const rows: { name: string; ms: number }[] = [];
  for (const name of modes) {
    let ms = Infinity;
    // One that stays below the target shows that it can.
    for (let left = tries; left > 0 && ms > target; left -= 1)
      ms = Math.min(ms, await longestStall(() => use(name, file)));
    rows.push({ name, ms });
  }
  return rows;
}

/** Milliseconds. */
async function longestStall(work: () => Promise<void>): Promise<number> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await work();
  // What stood still last is seen by the next tick.
  await sleep(20);
  delay.disable();
  return Math.max(0, delay.max / 1e6 - 1);
}

/** Lists, checks and calls once, whatever comes of it. */
async function use(mode: string, file: string): Promise<void> {
  const servers = openServers(
    [
      {
        kind: 'stdio',
        name: 'bad',
        command: process.execPath,
        args: [fileURLToPath(new URL(file, import.meta.url)), mode],
        env: {},
        cwd: fileURLToPath(new URL('.', import.meta.url)),
        trustsAnnotations: false,
        tools: [],
        idleTimeout: 2_000,
        hardTimeout: 3_000,
      },
    ],
    { log: silentLog, timings: { grace: 200, backoff: 10, backoffMax: 50 } },
  );
  const { signal } = new AbortController();
  try {
    const tools = await servers.tools(['bad'], signal);
    for (const tool of tools.slice(0, 20)) for (const args of nasty) tool.check(args);
    for (const tool of tools.filter(({ id }) => id === 'bad/act' || id === 'bad/slow'))
      await tool.call({}, plainCall(signal));
  } catch {
    // What they cannot be used for is told, and tested.
  } finally {
    await servers.close();
  }
}

const plainCall = (signal: AbortSignal): ToolCallOptions => ({
  signal,
  owner: 'bench',
  callKey: 'bench',
  grant: { tool: 'bad/act', rule: 'bench' },
  ask: async () => ({ action: 'decline' }),
  sample: () => Promise.reject(new Error('no model here')),
  commit: Object.assign(() => Promise.resolve(), { reference: () => Promise.resolve() }),
  onProgress: () => {},
});
