import { describe, expect, test } from 'vitest';
import type { ToolUse } from '../../src/agent/policy.ts';
import { compileCondition, type Condition, type Met } from '../../src/config/condition.ts';
import type { JsonObject } from '../../src/json.ts';

const use = (args: JsonObject = {}): ToolUse => ({
  tool: 'files/write_file',
  args,
  effect: 'idempotent',
  agent: 'fixer',
  owner: 'alice',
});

function compiled(text: string): Condition {
  const condition = compileCondition(text);
  if (!('holds' in condition)) throw new Error(`${text}: ${condition.fault}`);
  return condition;
}

const met = (text: string, args?: JsonObject): Met => compiled(text).holds(use(args));

describe('a condition', () => {
  test.each<[string, JsonObject]>([
    ["args.base == 'main'", { base: 'main' }],
    ['args.size > 5', { size: 6 }],
    ['args.size > 5.5 && args.size == 6', { size: 6 }],
    ['args.deep.er[1] == null', { deep: { er: [1, null] } }],
    ["has(args.path) && args.path.startsWith('drafts/')", { path: 'drafts/a' }],
    ["!has(args.path) || args.path.startsWith('drafts/')", {}],
    ["'admin' in args.roles", { roles: ['admin'] }],
    ["'force' in args", { force: null }],
    ["args.to.all(one, one.endsWith('@example.com'))", { to: ['a@example.com'] }],
    ["!args.path.split('/').exists(part, part == '..')", { path: 'a/b' }],
    ['size(args.to) <= 1 && size(args) == 1', { to: ['a'] }],
    ["args['content-type'] == 'text/plain'", { 'content-type': 'text/plain' }],
    ["args.body.lowerAscii().contains('secret')", { body: 'A SECRET' }],
    ['int(args.amount) % 2 == 0', { amount: 4 }],
    ['args.force', { force: true }],
    ["tool == 'write_file' && server == 'files' && effect == 'idempotent' && agent == 'fixer' && owner == 'alice'", {}],
  ])('%s holds', (text, args) => {
    expect(met(text, args)).toBe(true);
  });

  test.each<[string, JsonObject]>([
    ["args.base == 'main'", { base: 'dev' }],
    ['args.size > 5', { size: 5 }],
    ['args.force', { force: false }],
    ["args.to.exists(one, one.endsWith('@example.com'))", { to: [] }],
  ])('%s does not hold', (text, args) => {
    expect(met(text, args)).toBe(false);
  });

  test.each<[string, JsonObject, string]>([
    ["args.base == 'main'", {}, 'No such key: base'],
    ['args.size > 5', { size: '6' }, 'no such overload'],
    ['args.to[3] == 1', { to: [1] }, 'index out of bounds'],
    ['args.force', { force: 'yes' }, 'neither true nor false'],
    ["args.path.startsWith('a')", { path: 5 }, 'no matching overload'],
  ])('%s cannot be said of %j', (text, args, why) => {
    expect(met(text, args)).toEqual({ fault: expect.stringContaining(why) });
  });

  test('of an agent or a tool of our own names no server', () => {
    const condition = compiled("server == '' && tool == 'writer'");
    expect(condition.holds({ ...use(), tool: 'writer' })).toBe(true);
  });

  test('reads only what the arguments hold, whatever their keys are called', () => {
    const args = JSON.parse('{"constructor":"x","__proto__":{"admin":true},"toString":1,"n":5}') as JsonObject;
    expect(met("args.n == 5 && args.constructor == 'x' && args.toString == 1", args)).toBe(true);
    expect(met('has(args.admin)', args)).toBe(false);
    expect(met('has(args.constructor)', {})).toBe(false);
    expect(met('args.hasOwnProperty == 1', {})).toEqual({ fault: 'No such key: hasOwnProperty' });
  });

  test('says whether arguments can change it', () => {
    expect(compiled("owner == 'alice'").readsArguments).toBe(false);
    expect(compiled("owner == 'alice' || [args.n].exists(n, n == 1)").readsArguments).toBe(true);
  });
});

describe('what is refused', () => {
  test.each([
    ['args.base =', 10, 'Unexpected character: ='],
    ['args.base ==', 12, 'Unexpected token: EOF'],
    ['argz.base == 1', 0, 'Unknown variable: argz'],
    ['true && tool + 1 == 2', 8, 'no such overload: string + int'],
    ['tool.startsWith(1)', 0, "found no matching overload for 'string.startsWith(int)'"],
    ['tool', undefined, 'must come to true or false, not to string'],
    ["tool == 'a' && now() > 3", 15, 'has no function "now"'],
    ["timestamp('2020-01-01T00:00:00Z') == timestamp(args.x)", 0, 'has no function "timestamp"'],
    ["duration(args.x) == duration('1s')", 0, 'has no function "duration"'],
    ["cel.bind(x, args.s, x + x) == ''", 0, 'has no function "bind"'],
    ['args.l.map(x, x) == []', 0, 'has no function "map"'],
    ['args.l.all(x, x in args.l)', 19, 'reads args inside of a walk'],
    ['args.l.exists(x, args.l.exists(y, x == y))', 17, 'walks over a list inside of a walk'],
    ["args.l.exists(x, x.filter(y, y == '').size() > 0)", 17, 'walks over a list inside of a walk'],
    ['args.text.matches(args.pattern)', 18, 'must have the pattern of matches() as text'],
    ["args.text.matches('a' + '+')", 18, 'must have the pattern of matches() as text'],
    ["args.text.matches('(?=a)')", 18, 'has a pattern that RE2 cannot hold'],
    ["args.text.matches('((a{100}){100}){100}')", 18, 'has a pattern that RE2 cannot hold'],
    [`${'('.repeat(100)}true${')'.repeat(100)}`, 24, 'Exceeded maxDepth'],
    [`${'true && '.repeat(200)}true`, undefined, 'is longer than 1000 characters'],
    ['', 0, 'Unexpected token: EOF'],
  ])('%j', (text, start, why) => {
    const refused = compileCondition(text);
    if ('holds' in refused) throw new Error('compiled');
    expect(refused.fault).toContain(why);
    expect(refused.range?.start).toBe(start);
  });

  test.each([
    ["tool.startWith('a')", 'did you mean "startsWith"?'],
    ['arg.base == 1', 'did you mean "args"?'],
    ['args.base = 1', 'compare with =='],
    ['args.base === 1', 'compare with =='],
    ["args.a == 1 and tool == 'x'", 'write &&, || and !'],
    ['branch == 1', 'it is CEL (cel.dev) over args, tool, server, effect, agent, owner'],
  ])('%s is answered with its mend', (text, help) => {
    expect(compileCondition(text)).toMatchObject({ help });
  });
});

describe('the cost of a condition is bounded', () => {
  // JavaScript's own engine would take longer than the universe has for this.
  const backtracks = `${'a'.repeat(5000)}!`;

  test.each([
    ["args.text.matches('^(a+)+$')", { text: backtracks }],
    ["args.texts.exists(text, text.matches('^(a+)+$'))", { texts: [backtracks] }],
    ["!args.texts.all(text, !text.matches('^(a+)+$'))", { texts: [backtracks] }],
    ["args.texts.filter(text, text.matches('^(a+)+$')).size() > 0", { texts: [backtracks] }],
    ["args.texts.exists_one(text, text.matches('^(a+)+$'))", { texts: [backtracks] }],
    ["(args.text.matches('^(a+)+$') ? true : false) || {'k': args.text.matches('^(a+)+$')}['k']", { text: backtracks }],
    ["[args.text.matches('^(a+)+$')][0]", { text: backtracks }],
    ["args.text // matches\n.matches(// matches('x')\n'^(a+)+$')", { text: backtracks }],
  ])('%s runs on RE2', (text, args) => {
    expect(met(text, args)).toBe(false);
    // Only RE2 knows \z, and only JavaScript would look ahead.
    expect(met(text.replaceAll('^(a+)+$', String.raw`^a+!\\z`), args)).toBe(true);
  });

  test('more than 64 KiB are neither walked nor matched', () => {
    const many = { to: Array.from({ length: 20_000 }, (_, index) => `a${index}`) };
    expect(met("args.to.exists(one, one == 'a19999')", many)).toEqual({ fault: 'the arguments are too long to walk' });
    expect(met("'a19999' in args.to", many)).toBe(true);
    const long = { text: 'x'.repeat(70_000) };
    expect(met("args.text.matches('x$')", long)).toEqual({ fault: 'the text is too long for a pattern' });
    expect(met("args.text.matches('x$')", { text: 'x' })).toBe(true);
    expect(met("args.text.endsWith('x')", long)).toBe(true);
  });

  test('arguments that are nested beyond the stack cannot be told apart, and nothing breaks', () => {
    let deep: JsonObject = {};
    for (let level = 0; level < 50_000; level++) deep = { deep };
    expect(met('args.deep == args', deep)).toEqual({ fault: expect.any(String) });
  });
});
