import { describe, expect, test } from 'vitest';
import type { ServerOptions } from '../../src/mcp-client/options.ts';
import { effectOf, modelName } from '../../src/mcp-client/tool-names.ts';
import { http, never, open, openHostile, stdio } from './peers.ts';

describe('the name that a model sees', () => {
  test('is server__tool where that is plain', () => {
    expect(modelName('files', 'read_file')).toBe('files__read_file');
    expect(modelName('my-lab_2', 'get-sum')).toBe('my-lab_2__get-sum');
  });

  test.each([
    ['a_', 'b', 'a', '_b'],
    ['a__b', 'c', 'a', 'b__c'],
    ['files', 'read file', 'files', 'read/file'],
    ['files', 'x'.repeat(80), 'files', `${'x'.repeat(79)}y`],
    ['ä', 'b', 'ö', 'b'],
  ])('tells %s/%s from %s/%s', (server, tool, otherServer, otherTool) => {
    const names = [modelName(server, tool), modelName(otherServer, otherTool)];
    expect(names[0]).not.toBe(names[1]);
    for (const name of names) expect(name).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
  });
});

describe('the effect of a tool', () => {
  const options: ServerOptions = http('http://127.0.0.1/');
  const trusting: ServerOptions = { ...options, trustsAnnotations: true };
  test('is the operator’s word first', () => {
    const rule = { pattern: '*', matches: () => true, effect: 'unsafe' as const };
    expect(effectOf(trusting, rule, { readOnlyHint: true })).toBe('unsafe');
  });
  test('is the server’s word only where it is trusted', () => {
    expect(effectOf(trusting, undefined, { readOnlyHint: true })).toBe('read');
    expect(effectOf(trusting, undefined, { idempotentHint: true })).toBe('idempotent');
    expect(effectOf(options, undefined, { readOnlyHint: true })).toBe('unsafe');
  });
  test('is unsafe where nobody says anything', () => {
    expect(effectOf(trusting, undefined, {})).toBe('unsafe');
    expect(effectOf(trusting, undefined, { readOnlyHint: 'yes' })).toBe('unsafe');
  });
});

test('a tool is found under its new name, with the effect of its rule', async () => {
  const rule = {
    pattern: 'act',
    matches: (tool: string) => tool === 'act',
    rename: 'do_it',
    effect: 'idempotent' as const,
  };
  const { servers } = openHostile('renamed', { tools: [rule] });
  const tools = await servers.tools(['bad'], never);
  expect(tools.map(({ id, name, effect }) => [id, name, effect]).slice(0, 2)).toEqual([
    ['bad/do_it', 'bad__do_it', 'idempotent'],
    ['bad/other', 'bad__other', 'unsafe'],
  ]);
});

test('two tools under one name are not merged: the later is left out, and said so', async () => {
  const rule = { pattern: '*', matches: () => true, rename: 'all' };
  const { servers } = openHostile('renamed', { tools: [rule] });
  expect((await servers.tools(['bad'], never)).map((tool) => tool.id)).toEqual(['bad/all']);
  expect(servers.status()[0]?.faults[0]).toBe(
    'bad/other was left out: act is called bad/all already; rename one of them',
  );
});

test('tools come in the order of the servers, whatever order is asked for', async () => {
  const servers = open([stdio('b', './hostile-server.ts'), stdio('a', './hostile-server.ts')]);
  const ids = (await servers.tools(['a', 'b'], never)).map((tool) => tool.id);
  expect(ids).toEqual(['b', 'a'].flatMap((name) => ['act', 'other', 'typed', 'slow'].map((tool) => `${name}/${tool}`)));
});

test('a server that is not declared is named, with those that are', async () => {
  await expect(open(stdio('files', './hostile-server.ts')).tools(['fils'], never)).rejects.toThrow(
    'no server "fils" is declared; declared are: files',
  );
});
