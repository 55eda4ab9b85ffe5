import { describe, expect, test } from 'vitest';
import { verdictOf, type ToolUse } from '../../src/agent/policy.ts';
import type { AgentConfig } from '../../src/config/config.ts';
import { explainPermissions } from '../../src/config/explain-permissions.ts';
import { formatProblems } from '../../src/config/format-problems.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { accepted, folderWith, inShort, minimal, refused } from './fixture.ts';

/** An agent with every tool of two servers and another agent below it. */
const network = (own: string, ofFile = ''): string => `version: 1
model: scripted/reply.yaml
mcpServers:
  files: { command: x, tools: { read_*: { effect: read }, old: { rename: new, effect: idempotent } } }
  git: { command: x }
agents:
  a:
    description: A
    tools: [files/*, git/*, ask_person]
    agents: [b]
    permissions:
${own}
  b: { description: B }
${ofFile}`;

const use = (tool: string, more: Partial<ToolUse> = {}): ToolUse => ({
  tool,
  args: {},
  effect: 'unsafe',
  agent: 'a',
  owner: 'alice',
  ...more,
});

async function agentWith(own: string, ofFile?: string): Promise<AgentConfig> {
  const { config } = await accepted(network(own, ofFile));
  const [agent] = config.agents;
  if (agent === undefined) throw new Error('no agent');
  return agent;
}

describe('rules', () => {
  test('deny beats ask beats allow, whatever their order, and say where they stand', async () => {
    const { policy } = await agentWith(`      allow: [files/*]
      ask: [files/write_file, { tool: "files/*", when: args.force }]
      deny: [files/drop_table]`);
    expect(policy.judge(use('files/read'))).toMatchObject({
      decision: 'ask', // a condition that cannot be said to hold of this call
      rule: 'agents.yaml:13:31 ask files/* when args.force (which cannot be said of this call: No such key: force)',
    });
    expect(policy.judge(use('files/read', { args: { force: false } }))).toEqual({
      decision: 'allow',
      rule: 'agents.yaml:12:15 allow files/*',
    });
    expect(policy.judge(use('files/write_file', { args: { force: false } }))).toEqual({
      decision: 'ask',
      rule: 'agents.yaml:13:13 ask files/write_file',
    });
    expect(policy.judge(use('files/drop_table'))).toEqual({
      decision: 'deny',
      rule: 'agents.yaml:14:14 deny files/drop_table',
    });
    expect(policy.judge(use('git/push'))).toBeUndefined();
  });

  test('of the file hold beside the own ones of every agent, also of those in cards', async () => {
    const { config } = await accepted({
      'agents.yaml': network('      allow: ["git/*"]', 'permissions: { deny: ["*/drop_*"], allow: [files/list] }\n'),
      'agents/c.md': '---\ndescription: C\ntools: [git/*]\npermissions:\n  ask:\n    - git/push\n---\nC',
      'agents/d.yaml': 'description: D\npermissions: { allow: ["*"] }\n',
    });
    const [a, b, c, d] = config.agents.map(({ policy }) => policy);
    for (const policy of [a, b, c, d])
      expect(policy?.judge(use('git/drop_branch'))).toEqual({
        decision: 'deny',
        rule: 'agents.yaml:14:23 deny */drop_*',
      });
    expect(b?.judge(use('git/push'))).toBeUndefined();
    expect(c?.judge(use('git/push'))?.rule).toBe('agents/c.md:6:7 ask git/push');
    expect(d?.judge(use('git/push'))?.rule).toBe('agents/d.yaml:2:24 allow *');
    expect(d?.judge(use('files/list'))?.decision).toBe('allow');
  });

  test('* is everything; a name without a server is an agent or ask_person, never a tool of that name', async () => {
    const all = await agentWith('      deny: ["*"]');
    for (const tool of ['files/x', 'b', 'ask_person']) expect(all.policy.judge(use(tool))?.decision).toBe('deny');
    const some = await agentWith('      deny: [b]\n      ask: [ask_person]');
    expect(some.policy.judge(use('b'))?.decision).toBe('deny');
    expect(some.policy.judge(use('files/b'))).toBeUndefined();
    const tools = await agentWith('      deny: ["*/*", "*/b"]');
    for (const tool of ['b', 'ask_person']) expect(tools.policy.judge(use(tool))).toBeUndefined();
    expect(tools.policy.judge(use('files/b'))?.decision).toBe('deny');
    expect(some.policy.judge(use('ask_person'))?.decision).toBe('ask');
  });

  test('where no rule matches, read is allowed and the rest asks', async () => {
    const { policy } = await agentWith('      deny: [git/push]');
    expect(verdictOf(use('files/read', { effect: 'read' }), policy, []).decision).toBe('allow');
    expect(verdictOf(use('files/write', { effect: 'idempotent' }), policy, []).decision).toBe('ask');
  });

  test('a condition that cannot be evaluated holds where it asks or denies, and not where it allows', async () => {
    const { policy } = await agentWith(`      allow: [{ tool: files/a, when: args.size < 5 }]
      ask: [{ tool: files/b, when: args.size > 5 }]
      deny: [{ tool: files/c, when: args.size > 5 }]`);
    for (const args of [{}, { size: 'large' }, { size: null }, { size: [6] }]) {
      expect(policy.judge(use('files/a', { args }))).toBeUndefined();
      expect(policy.judge(use('files/b', { args }))?.decision).toBe('ask');
      expect(policy.judge(use('files/c', { args }))?.decision).toBe('deny');
    }
    expect(policy.judge(use('files/a', { args: { size: 4 } }))?.decision).toBe('allow');
    expect(policy.judge(use('files/b', { args: { size: 5 } }))).toBeUndefined();
    expect(policy.judge(use('files/c', { args: { size: 5 } }))).toBeUndefined();
  });

  test('conditions see the effect, the agent and the owner', async () => {
    const { policy } = await agentWith(`      ask:
        - { tool: "*", when: "effect == 'unsafe' && agent == 'a' && owner != 'root' && server == 'git'" }`);
    expect(policy.judge(use('git/push'))?.decision).toBe('ask');
    expect(policy.judge(use('git/push', { owner: 'root' }))).toBeUndefined();
    expect(policy.judge(use('git/push', { effect: 'read' }))).toBeUndefined();
    expect(policy.judge(use('files/push'))).toBeUndefined();
  });

  test('of two that ask, the one that waits less counts', async () => {
    const { policy } = await agentWith(
      '      ask: [{ tool: git/push, expires: 2d }, { tool: git/*, expires: 4h }, { tool: "*", expires: 30h }, files/*]',
    );
    expect(policy.judge(use('git/push'))).toMatchObject({ expiresInMs: 4 * 3_600_000 });
    expect(policy.judge(use('files/x'))).toEqual({ decision: 'ask', rule: expect.stringContaining('ask files/*') });
  });

  test('a value of the environment may stand in them', async () => {
    const text = network('      ask: [{ tool: git/push, when: "args.branch == \'${BRANCH}\'" }]');
    const { config } = await accepted(text, { env: { BRANCH: 'main' } });
    const policy = config.agents[0]?.policy;
    expect(policy?.judge(use('git/push', { args: { branch: 'main' } }))?.decision).toBe('ask');
    expect(policy?.judge(use('git/push', { args: { branch: 'dev' } }))).toBeUndefined();
  });
});

describe('the version of a policy', () => {
  const versionOf = async (own: string, ofFile?: string) => (await agentWith(own, ofFile)).policy.version;

  test('is the same for the same rules, wherever and in whatever order they stand', async () => {
    const one = await versionOf('      ask: [git/push, "*/drop_*"]');
    expect(one).toMatch(/^[0-9a-f]{64}$/);
    expect(await versionOf('      # moved\n      ask:\n        - "*/drop_*"\n        - tool: git/push')).toBe(one);
    expect(await versionOf('      ask: [git/push]', 'permissions: { ask: ["*/drop_*"] }\n')).toBe(one);
  });

  test('is another one for every other rule', async () => {
    const versions = await Promise.all(
      [
        'ask: [git/push]',
        'deny: [git/push]',
        'ask: [git/pull]',
        'ask: [{ tool: git/push, when: args.a }]',
        'ask: [{ tool: git/push, when: args.b }]',
        'ask: [{ tool: git/push, expires: 4h }]',
        'ask: [git/push, git/pull]',
      ].map((rules) => versionOf(`      ${rules}`)),
    );
    expect(new Set(versions).size).toBe(versions.length);
  });
});

describe('mistakes', () => {
  const own = (rules: string): string => network(`      ${rules}`);

  test.each([
    [
      'deny: [gitt/push]',
      'E_REFERENCE agents.yaml:12:14 "gitt/push" in agents.a.permissions.deny matches no declared server',
    ],
    [
      'deny: [bb]',
      'E_REFERENCE agents.yaml:12:14 "bb" in agents.a.permissions.deny is no declared agent, and names no server',
    ],
    [
      'deny: [drop_*]',
      'E_REFERENCE agents.yaml:12:14 "drop_*" in agents.a.permissions.deny is no declared agent, and names no server',
    ],
    [
      'deny: [mcp__git__push]',
      'E_REFERENCE agents.yaml:12:14 "mcp__git__push" in agents.a.permissions.deny is no declared agent, and names no server',
    ],
    [
      'deny: ["git/!(push)"]',
      'E_VALUE agents.yaml:12:14 "git/!(push)" in agents.a.permissions.deny may hold *, ? and {a,b} besides names, nothing else',
    ],
    [
      'deny: ["Bash(rm *)"]',
      'E_VALUE agents.yaml:12:14 "Bash(rm *)" in agents.a.permissions.deny may hold *, ? and {a,b} besides names, nothing else',
    ],
    ['deny: git/push', 'E_TYPE agents.yaml:12:13 agents.a.permissions.deny must be a list, not text'],
    [
      'deny: [5]',
      'E_VALUE agents.yaml:12:14 agents.a.permissions.deny[0] must be a server/tool glob, or { tool, when }',
    ],
    ['deny: [{ when: args.x }]', 'E_MISSING agents.yaml:12:14 agents.a.permissions.deny[0] needs the key "tool"'],
    [
      'deny: [{ tool: git/x, expires: 4h }]',
      'E_FOREIGN_KEY agents.yaml:12:29 unknown key "expires" in agents.a.permissions.deny[0]',
    ],
    [
      'ask: [{ tool: git/x, expire: 4h }]',
      'E_UNKNOWN_KEY agents.yaml:12:28 unknown key "expire" in agents.a.permissions.ask[0]',
    ],
    [
      'ask: [{ tool: git/x, expires: 4 }]',
      'E_VALUE agents.yaml:12:37 agents.a.permissions.ask[0].expires must say its unit: "4s" for seconds, "4ms", "4m"',
    ],
    [
      'ask: [{ tool: git/x, when: 5 }]',
      'E_TYPE agents.yaml:12:34 agents.a.permissions.ask[0].when must be text, not a number',
    ],
    ['confirm: [git/x]', 'E_FOREIGN_KEY agents.yaml:12:7 unknown key "confirm" in agents.a.permissions'],
    ['alow: [git/x]', 'E_UNKNOWN_KEY agents.yaml:12:7 unknown key "alow" in agents.a.permissions'],
    [
      'ask: [{ tool: git/x, when: "args.a = 1" }]',
      'E_CONDITION agents.yaml:12:42 the condition in agents.a.permissions.ask is no condition: Unexpected character: =',
    ],
    [
      'ask: [{ tool: git/x, when: args.a.matches(args.b) }]',
      'E_CONDITION agents.yaml:12:49 the condition in agents.a.permissions.ask must have the pattern of matches() as text',
    ],
    [
      'ask: [{ tool: git/x, when: tool }]',
      'E_CONDITION agents.yaml:12:34 the condition in agents.a.permissions.ask must come to true or false, not to string',
    ],
  ])('%s', async (rules, problem) => {
    expect(await refused(own(rules))).toEqual([problem]);
  });

  test('each points at its own characters and says its mend', async () => {
    const cwd = await folderWith({
      'reply.yaml': '',
      'agents.yaml': own(`deny: [gti/push, drop_*, mcp__git__push, git]
      ask:
        - { tool: git/push, when: "args.branch == 'main' && args.forse_.startWith('x')" }
        - tool: git/tag
          when: >-
            args.name == 'v1'
            && arg.force
        - { tool: git/x, wenn: args.force }`),
    });
    const loaded = await loadConfig({ cwd, env: {} });
    if (loaded.ok) throw new Error('accepted');
    expect(`\n${formatProblems(loaded.problems, { color: false })}`).toMatchInlineSnapshot(`
      "
      agents.yaml:12:14 error E_REFERENCE "gti/push" in agents.a.permissions.deny matches no declared server
      12 |       deny: [gti/push, drop_*, mcp__git__push, git]
         |              ^^^^^^^^
      help: did you mean "git/push"?

      agents.yaml:12:24 error E_REFERENCE "drop_*" in agents.a.permissions.deny is no declared agent, and names no server
      12 |       deny: [gti/push, drop_*, mcp__git__push, git]
         |                        ^^^^^^
      help: write server/tool, for example */drop_*

      agents.yaml:12:32 error E_REFERENCE "mcp__git__push" in agents.a.permissions.deny is no declared agent, and names no server
      12 |       deny: [gti/push, drop_*, mcp__git__push, git]
         |                                ^^^^^^^^^^^^^^
      help: write git/push

      agents.yaml:12:48 error E_REFERENCE "git" in agents.a.permissions.deny is no declared agent, and names no server
      12 |       deny: [gti/push, drop_*, mcp__git__push, git]
         |                                                ^^^
      help: write git/* for all of its tools

      agents.yaml:14:61 error E_CONDITION the condition in agents.a.permissions.ask has no function "startWith"
      14 |         - { tool: git/push, when: "args.branch == 'main' && args.forse_.startWith('x')" }
         |                                                             ^^^^^^^^^^^^^^^^^^^^^^^^^^
      help: did you mean "startsWith"?

      agents.yaml:18:16 error E_CONDITION the condition in agents.a.permissions.ask is no condition: Unknown variable: arg
      18 |             && arg.force
         |                ^^^
      help: did you mean "args"?

      agents.yaml:19:26 error E_UNKNOWN_KEY unknown key "wenn" in agents.a.permissions.ask[2]
      19 |         - { tool: git/x, wenn: args.force }
         |                          ^^^^
      help: a rule has: tool, when, expires
      "
    `);
  });

  test('rules of the file and of included files', async () => {
    expect(await refused(minimal('permissions: { deny: [x/y, b] }\n'))).toEqual([
      'E_REFERENCE agents.yaml:6:23 "x/y" in permissions.deny matches no declared server',
      'E_REFERENCE agents.yaml:6:28 "b" in permissions.deny is no declared agent, and names no server',
    ]);
    expect(
      await refused({ 'agents.yaml': minimal('include: b.yaml\n'), 'b.yaml': 'permissions: { deny: ["*"] }\n' }),
    ).toEqual(['E_FOREIGN_KEY b.yaml:1:1 unknown key "permissions"']);
  });

  test('a rule for whatever server there may be is none', async () => {
    const { warnings } = await accepted(minimal('permissions: { deny: ["*/drop_*"] }\n'));
    expect(warnings).toEqual([]);
  });

  test('who allows what the agent does not have is warned', async () => {
    const { warnings } = await accepted(`version: 1
model: scripted/reply.yaml
mcpServers: { git: { command: x }, files: { command: x } }
agents:
  a: { description: A, tools: [git/*], agents: [b], permissions: { allow: [git/push, b, "*", files/read, c], deny: [files/x] } }
  b: { description: B }
  c: { description: C }
`);
    expect(warnings.map(inShort)).toEqual([
      'W_RULE agents.yaml:5:94 agents.a has no tool that "files/read" could allow',
      'W_RULE agents.yaml:5:106 agents.a has no tool that "c" could allow',
    ]);
    expect(warnings.map(({ help }) => help)).toEqual([
      'permissions give no tools: name it in agents.a.tools as well',
      'permissions give no tools: name it in agents.a.agents as well',
    ]);
  });

  test('an ask that only the caller could answer is warned of', async () => {
    const { warnings } = await accepted(network('      ask: [git/push]', 'store: { sqlite: ":memory:" }\n'));
    expect(warnings.map(inShort)).toEqual([
      'W_NOBODY agents.yaml:12:13 only the caller of a task could answer this: the store is in memory, where no other command sees what waits',
    ]);
  });
});

describe('ask_person', () => {
  test('is given in tools, and is no glob', async () => {
    const agent = await agentWith('      allow: [ask_person]');
    expect(agent).toMatchObject({ mayAskPeople: true, tools: { patterns: ['files/*', 'git/*'] } });
    const { config } = await accepted(minimal('', '    tools: []\n'));
    expect(config.agents[0]?.mayAskPeople).toBe(false);
  });

  test('is not had by whom a rule denies it', async () => {
    for (const rules of ['deny: [ask_person]', 'deny: ["*"]']) {
      expect((await agentWith(`      ${rules}`)).mayAskPeople).toBe(false);
      expect((await agentWith('      allow: ["*"]', `permissions: { ${rules} }\n`)).mayAskPeople).toBe(false);
    }
    expect((await agentWith('      deny: ["*/*"]')).mayAskPeople).toBe(true);
  });

  test("is what Claude Code's own tool comes to", async () => {
    const card = (more: string) => `---\ndescription: B\n${more}---\nB`;
    const { config, warnings } = await accepted({
      'agents.yaml': minimal(),
      'agents/b.md': card('tools: AskUserQuestion\n'),
      'agents/c.md': card('tools: [ask_person]\ndisallowedTools: AskUserQuestion\n'),
    });
    expect(config.agents.map(({ mayAskPeople }) => mayAskPeople)).toEqual([false, true, false]);
    expect(warnings).toEqual([]);
  });

  test.each([
    ['ask_peson', 'did you mean "ask_person"?'],
    ['AskPerson', 'did you mean "ask_person"?'],
  ])('%s is answered with its name', async (tool, help) => {
    const cwd = await folderWith({ 'reply.yaml': '', 'agents.yaml': minimal('', `    tools: [${tool}]\n`) });
    const loaded = await loadConfig({ cwd, env: {} });
    expect(loaded).toMatchObject({ problems: [{ code: 'E_VALUE', line: 6, col: 13, help }] });
  });

  test('is no name for an agent', async () => {
    expect(await refused(minimal('  ask_person: { description: X }\n'))).toEqual([
      `E_NAME agents.yaml:6:3 "ask_person" is the name of a tool of Deputy's own`,
    ]);
  });
});

describe('explainPermissions', () => {
  const explained = async (tool: string, ...rest: [args?: { [key: string]: string }, effect?: 'read']) => {
    const { config } = await accepted(
      network(
        `      allow: [files/*]
      ask: [{ tool: git/*, when: args.branch == 'main' }, { tool: files/write, when: owner != 'root' }]`,
        'permissions: { deny: ["*/drop_*"] }\n',
      ),
    );
    return explainPermissions(config, 'a', tool, ...rest);
  };

  test('shows every rule about the tool and which decides', async () => {
    expect(await explained('files/write')).toEqual({
      effect: 'unsafe',
      verdict: { decision: 'ask', rule: "agents.yaml:13:59 ask files/write when owner != 'root'" },
      dependsOnArguments: false,
      rules: [
        {
          place: 'agents.yaml:13:59',
          decision: 'ask',
          text: "agents.yaml:13:59 ask files/write when owner != 'root'",
          holds: 'yes',
          decides: true,
        },
        {
          place: 'agents.yaml:12:15',
          decision: 'allow',
          text: 'agents.yaml:12:15 allow files/*',
          holds: 'yes',
          decides: false,
        },
      ],
    });
    expect(await explained('files/drop_all')).toMatchObject({
      verdict: { decision: 'deny' },
      rules: [{ decides: false }, { decision: 'deny', place: 'agents.yaml:15:23', decides: true }],
    });
  });

  test('says what depends on arguments, where none are given', async () => {
    expect(await explained('git/push')).toMatchObject({
      verdict: { decision: 'ask' },
      dependsOnArguments: true,
      rules: [{ holds: 'depends', decides: true }],
    });
    expect(await explained('git/push', { branch: 'dev' })).toMatchObject({
      verdict: { decision: 'ask', rule: 'default: unsafe asks' },
      dependsOnArguments: false,
      rules: [{ holds: 'no', decides: false }],
    });
    expect(await explained('git/push', { branch: 'dev' }, 'read')).toMatchObject({ verdict: { decision: 'allow' } });
    expect(await explained('git/push', {})).toMatchObject({
      rules: [{ holds: 'yes', fault: 'No such key: branch', decides: true }],
    });
  });

  test('knows the effects that agents.yaml gives', async () => {
    expect(await explained('files/read_it')).toMatchObject({ effect: 'read' });
    expect(await explained('files/new')).toMatchObject({ effect: 'idempotent' });
    expect(await explained('b')).toMatchObject({ effect: 'read', verdict: { decision: 'allow' }, rules: [] });
  });

  test('knows no agents and tools that are not there', async () => {
    const { config } = await accepted(network('      allow: [files/*]'));
    expect(() => explainPermissions(config, 'aa', 'b')).toThrow('There is no agent "aa": did you mean "a"?');
    expect(() => explainPermissions(config, 'a', 'gti/x')).toThrow(
      'a has no tool "gti/x": it has files/*, git/*, b, ask_person',
    );
    expect(() => explainPermissions(config, 'b', 'a')).toThrow('b has no tool "a", nor any other');
  });
});
