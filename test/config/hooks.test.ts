import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { HookConfig } from '../../src/config/config.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { accepted, folderWith, minimal, refused } from './fixture.ts';

const files = { 'hooks/redact.mjs': '', 'hooks/check.sh': '' };
const servers = 'mcpServers: { files: { command: x }, git: { command: x } }\n';

/** The hooks of agent `a`, with the folder that they lie in. */
async function hooksOf(own: string, ofFile = ''): Promise<{ hooks: HookConfig[]; root: string }> {
  const agent = own === '' ? '' : `    hooks: ${own}\n`;
  const { config } = await accepted({ ...files, 'agents.yaml': minimal(servers + ofFile, agent) });
  return { hooks: config.agents[0]?.hooks ?? [], root: config.root };
}

describe('hooks', () => {
  test('a file is a module, a list of words a program; paths start at the folder of agents.yaml', async () => {
    const { hooks, root } = await hooksOf(
      '{ after_tool: ./hooks/redact.mjs, before_tool: { command: [./hooks/check.sh, --all, ./x], timeout: 3s } }',
    );
    expect(hooks).toEqual([
      {
        place: 'before_tool',
        name: './hooks/check.sh --all ./x',
        matches: expect.any(Function),
        timeoutMs: 3000,
        run: { kind: 'command', argv: [join(root, 'hooks/check.sh'), '--all', './x'], cwd: root },
      },
      {
        place: 'after_tool',
        name: './hooks/redact.mjs',
        matches: expect.any(Function),
        timeoutMs: 10_000,
        run: { kind: 'module', file: join(root, 'hooks/redact.mjs') },
      },
    ]);
  });

  test('a program without a path is looked up when it is run', async () => {
    const { hooks } = await hooksOf('{ task_end: { command: [notify-send, done] } }');
    expect(hooks[0]?.run).toMatchObject({ argv: ['notify-send', 'done'] });
  });

  test('those of the file come first, a list in its order', async () => {
    const { hooks } = await hooksOf(
      '{ before_tool: [{ command: [one] }, ./hooks/redact.mjs, { module: ./hooks/redact.mjs, timeout: 1s }] }',
      'hooks: { before_tool: { command: [zero] }, task_start: { command: [begin] } }\n',
    );
    expect(hooks.map(({ place, name }) => `${place} ${name}`)).toEqual([
      'task_start begin',
      'before_tool zero',
      'before_tool one',
      'before_tool ./hooks/redact.mjs',
      'before_tool ./hooks/redact.mjs',
    ]);
  });

  test('match the tools that they name, or all', async () => {
    const { hooks } = await hooksOf(`
      before_tool:
        - { command: [x], match: git/push_* }
        - { command: [x], match: ["*/delete_*", a, ask_person] }
        - { command: [x] }`);
    const [push, some, all] = hooks.map(({ matches }) =>
      ['git/push_it', 'git/x', 'files/delete_x', 'a', 'ask_person'].filter((tool) => matches(tool)),
    );
    expect(push).toEqual(['git/push_it']);
    expect(some).toEqual(['files/delete_x', 'a', 'ask_person']);
    expect(all).toHaveLength(5);
  });

  test('stand in cards as well', async () => {
    const { config } = await accepted({
      ...files,
      'agents.yaml': minimal(),
      'agents/b.md': '---\ndescription: B\nhooks: { on_approval: hooks/redact.mjs }\n---\nB',
    });
    expect(config.agents[1]?.hooks).toMatchObject([
      { place: 'on_approval', run: { file: join(config.root, 'hooks/redact.mjs') } },
    ]);
  });
});

describe('mistakes in hooks', () => {
  const at = 'agents.a.hooks';
  test.each([
    [
      '{ after_tool: ./hooks/redct.mjs }',
      `E_FILE agents.yaml:6:26 ${at}.after_tool needs the file "./hooks/redct.mjs", which does not exist`,
    ],
    [
      '{ after_tool: { module: ./hooks } }',
      `E_FILE agents.yaml:6:36 ${at}.after_tool needs the file "./hooks", which does not exist`,
    ],
    [
      '{ after_tool: { command: [./nope.sh] } }',
      `E_FILE agents.yaml:6:38 ${at}.after_tool needs the file "./nope.sh", which does not exist`,
    ],
    ['{ after_tool: { command: [] } }', `E_VALUE agents.yaml:6:37 ${at}.after_tool.command must name a program`],
    ['{ after_tool: {} }', `E_VALUE agents.yaml:6:26 ${at}.after_tool needs a module or a command, one of them`],
    [
      '{ after_tool: { module: hooks/redact.mjs, command: [x] } }',
      `E_VALUE agents.yaml:6:26 ${at}.after_tool needs a module or a command, one of them`,
    ],
    [
      '{ task_end: { command: [x], match: git/* } }',
      `E_VALUE agents.yaml:6:40 ${at}.task_end is about no tool, so it has nothing to match`,
    ],
    [
      '{ after_tool: { command: [x], match: gti/* } }',
      `E_REFERENCE agents.yaml:6:49 "gti/*" in ${at}.after_tool.match matches no declared server`,
    ],
    [
      '{ after_tool: { command: [x], match: [git/*, gti/*] } }',
      `E_REFERENCE agents.yaml:6:57 "gti/*" in ${at}.after_tool.match matches no declared server`,
    ],
    [
      '{ after_tool: { command: [x], timeout: 3 } }',
      `E_VALUE agents.yaml:6:51 ${at}.after_tool.timeout must say its unit: "3s" for seconds, "3ms", "3m"`,
    ],
    [
      '{ after_tool: { command: [x], matcher: git/* } }',
      `E_FOREIGN_KEY agents.yaml:6:42 unknown key "matcher" in ${at}.after_tool`,
    ],
    [
      '{ after_tool: [{ command: [x], timout: 3s }] }',
      `E_UNKNOWN_KEY agents.yaml:6:43 unknown key "timout" in ${at}.after_tool[0]`,
    ],
    ['{ after_tool: { command: x } }', `E_TYPE agents.yaml:6:37 ${at}.after_tool.command must be a list, not text`],
    ['{ after_tol: hooks/redact.mjs }', `E_UNKNOWN_KEY agents.yaml:6:14 unknown key "after_tol" in ${at}`],
    ['{ PreToolUse: hooks/redact.mjs }', `E_FOREIGN_KEY agents.yaml:6:14 unknown key "PreToolUse" in ${at}`],
    ['{ after_tool: 5 }', `E_VALUE agents.yaml:6:26 ${at}.after_tool must be a file, a hook or a list`],
    ['[./hooks/redact.mjs]', `E_TYPE agents.yaml:6:12 ${at} must be a map of keys, not a list`],
  ])('%s', async (hooks, problem) => {
    expect(await refused({ ...files, 'agents.yaml': minimal(servers, `    hooks: ${hooks}\n`) })).toEqual([problem]);
  });

  test('a command line in place of a file is answered with the list that it should be', async () => {
    const cwd = await folderWith({
      'reply.yaml': '',
      'agents.yaml': minimal('', '    hooks: { task_end: ./notify.sh done now }\n'),
    });
    const loaded = await loadConfig({ cwd, env: {} });
    expect(loaded).toMatchObject({
      problems: [{ code: 'E_FILE', help: 'a program is { command: ["./notify.sh","done","now"] }' }],
    });
  });
});
