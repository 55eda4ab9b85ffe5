/** The operator's hooks, as modules in threads and as programs: what they say, and what happens when they misbehave. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Hook, HookInput, HookPlace } from '../../src/agent/hooks.ts';
import { openHooks, type OpenHooks } from '../../src/hooks/open-hooks.ts';
import type { HookOptions } from '../../src/hooks/options.ts';
import { silentLog } from '../../src/log.ts';

const folder = mkdtempSync(join(tmpdir(), 'deputy-hooks-'));
let hooks: OpenHooks;
beforeAll(() => {
  hooks = openHooks({ log: silentLog });
});
afterAll(async () => {
  await hooks.close();
  rmSync(folder, { recursive: true, force: true });
});

const input: HookInput = {
  place: 'before_tool',
  agent: 'a',
  task: 't1',
  owner: 'ann',
  tool: 'files/write',
  args: { a: 1 },
};
const signal = new AbortController().signal;
let files = 0;

function moduleHook(source: string, { place = 'before_tool', timeoutMs = 60_000 }: Partial<HookOptions> = {}): Hook {
  const file = join(folder, `hook-${(files += 1)}.mjs`);
  writeFileSync(file, source);
  return only({ place, name: 'hook.mjs', matches: () => true, timeoutMs, run: { kind: 'module', file } });
}

const commandHook = (source: string, timeoutMs = 60_000): Hook =>
  only({
    place: 'before_tool',
    name: 'hook',
    matches: () => true,
    timeoutMs,
    run: { kind: 'command', argv: [process.execPath, '-e', source], cwd: folder },
  });

function only(options: HookOptions): Hook {
  const [hook] = hooks.of([options])[options.place] ?? [];
  if (hook === undefined) throw new Error('no hook');
  return hook;
}

test('hooks are found by their place, in the order of their declaration', () => {
  const options = (place: HookPlace, name: string): HookOptions => ({
    place,
    name,
    matches: () => true,
    timeoutMs: 1,
    run: { kind: 'module', file: '/none.mjs' },
  });
  const opened = hooks.of([options('after_tool', '1'), options('before_tool', '2'), options('after_tool', '3')]);
  expect(opened.after_tool?.map(({ name }) => name)).toEqual(['1', '3']);
  expect(opened.before_tool?.map(({ name }) => name)).toEqual(['2']);
  expect(opened.task_start).toBeUndefined();
});

const modules: [string, string, unknown][] = [
  ['that returns nothing passes', 'export default { before_tool() {} }', { kind: 'pass' }],
  ['that returns {} passes', 'export default { before_tool: () => ({}) }', { kind: 'pass' }],
  [
    'may change what it sees',
    'export default { before_tool: async ({ args }) => ({ change: { ...args, b: 2 } }) }',
    { kind: 'change', value: { a: 1, b: 2 } },
  ],
  [
    'may deny, with a reason',
    'export default { before_tool: () => ({ deny: "no writing" }) }',
    { kind: 'deny', reason: 'no writing' },
  ],
  ['that throws denies', 'export default { before_tool() { throw new Error("oh") } }', denied('oh')],
  [
    'without the place denies',
    'export default { after_tool() {} }',
    denied('its default export has no function before_tool'),
  ],
  ['without a default export denies', 'export const x = 1', denied('it has no default export with a function a place')],
  ['that answers something else denies', 'export default { before_tool: () => 7 }', denied('its answer is no object')],
  [
    'with a slip in its answer denies',
    'export default { before_tool: () => ({ denied: "x" }) }',
    denied('its answer has the unknown key "denied"'),
  ],
  ['that cannot be parsed denies', 'export default {', expect.objectContaining({ kind: 'deny' })],
  [
    'that ends its thread denies',
    'export default { before_tool() { process.exit(3) } }',
    denied('it ended its thread'),
  ],
];

function denied(why: string, name = 'hook.mjs'): unknown {
  return { kind: 'deny', reason: `the hook ${name} failed: ${why}` };
}

test.each(modules)('a module %s', async (_, source, said) => {
  expect(await moduleHook(source).run(input, signal)).toEqual(said);
});

test('a module that loops without end denies when its time is up, and the next question begins anew', async () => {
  const hook = moduleHook(
    'export default { before_tool({ args }) { while (args.a === 1); return { deny: "awake" } } }',
    { timeoutMs: 3_000 },
  );
  expect(await hook.run(input, signal)).toEqual(denied('it took longer than 3 s'));
  expect(await hook.run({ ...input, args: { a: 2 } }, signal)).toEqual({ kind: 'deny', reason: 'awake' });
});

test('a module keeps what it keeps between its calls', async () => {
  const hook = moduleHook('let n = 0; export default { before_tool: () => ({ change: { n: ++n } }) }');
  await hook.run(input, signal);
  expect(await hook.run(input, signal)).toEqual({ kind: 'change', value: { n: 2 } });
});

test('what a module prints does not reach our stdout', async () => {
  const written: string[] = [];
  const write = process.stdout.write.bind(process.stdout);
  process.stdout.write = (chunk: string | Uint8Array) => written.push(String(chunk)) > 0;
  try {
    await moduleHook('export default { before_tool() { console.log("in-the-way") } }').run(input, signal);
  } finally {
    process.stdout.write = write;
  }
  expect(written.join('')).not.toContain('in-the-way');
});

test('a task that ends does not wait for its hook', async () => {
  const cut = new AbortController();
  const running = moduleHook('export default { before_tool: () => new Promise(() => {}) }').run(input, cut.signal);
  cut.abort(new Error('cancelled'));
  await expect(running).rejects.toThrow('cancelled');
});

const read = 'let s = ""; process.stdin.on("data", (d) => s += d).on("end", () => { const i = JSON.parse(s);';
const commands: [string, string, unknown][] = [
  ['that says nothing passes', '', { kind: 'pass' }],
  [
    'reads its input and may change it',
    `${read} console.log(JSON.stringify({ change: { a: i.args.a + 1 } })) })`,
    { kind: 'change', value: { a: 2 } },
  ],
  ['may deny', 'console.log(JSON.stringify({ deny: "not today" }))', { kind: 'deny', reason: 'not today' }],
  [
    'that fails denies with its first line',
    'console.error("broken"); process.exit(2)',
    denied('it ended with 2: broken', 'hook'),
  ],
  ['that answers no JSON denies', 'console.log("{")', expect.objectContaining({ kind: 'deny' })],
  [
    'that writes without end denies',
    'const s = "x".repeat(1e6); for (let i = 0; i < 9; i++) console.log(s)',
    expect.objectContaining({ kind: 'deny' }),
  ],
  [
    'sees none of our secrets',
    'console.log(JSON.stringify({ change: Object.keys(process.env).filter((k) => k === "SECRET_OF_TEST") }))',
    { kind: 'change', value: [] },
  ],
];

test.each(commands)('a program %s', async (_, source, said) => {
  process.env['SECRET_OF_TEST'] = 'do not tell';
  expect(await commandHook(source).run(input, signal)).toEqual(said);
});

test('a program that hangs is ended with all that it started, and denies', async () => {
  const source = `
    const child = require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' });
    require('node:fs').writeFileSync(${JSON.stringify(join(folder, 'pid'))}, String(child.pid));
    setInterval(() => {}, 1000);`;
  expect(await commandHook(source, 3_000).run(input, signal)).toEqual(denied('it took longer than 3 s', 'hook'));
});

test('a program that is not there denies', async () => {
  const hook = only({
    place: 'before_tool',
    name: 'gone',
    matches: () => true,
    timeoutMs: 60_000,
    run: { kind: 'command', argv: ['/no/such/program'], cwd: folder },
  });
  expect(await hook.run(input, signal)).toMatchObject({ kind: 'deny', reason: expect.stringContaining('ENOENT') });
});
