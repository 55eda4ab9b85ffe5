import { modelsOf } from '../../src/config/models-of.ts';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load-config.ts';
import { accepted, folderWith, inShort, minimal, refused } from './fixture.ts';

/** As Claude Code's own generator writes them: text with ": " and without quotes, which YAML forbids. */
const claudeFile = `---
name: code-reviewer
description: Use this agent when code was written. Examples: <example>Context: A function is done. user: "Check it" assistant: "I'll use the code-reviewer agent"</example>
tools: Read, Grep, Bash(git diff:*), mcp__github__get_pull_request, mcp__slack__post, Task(a)
disallowedTools: mcp__github__delete_repo
model: sonnet
color: purple
permissionMode: plan
maxTurns: 12
hooks:
  PreToolUse:
    - matcher: "Bash"
      hooks: [{ type: command, command: ./check.sh }]
team: platform
---

You are a senior reviewer.

Leave \${PLACEHOLDERS} alone.
`;

const github = 'mcpServers: { github: { command: x } }\n';

describe("Claude Code's agent files", () => {
  test('work unchanged', async () => {
    const { config, warnings } = await accepted(
      { 'agents.yaml': minimal(github), 'agents/code-reviewer.md': claudeFile },
      { env: { ANTHROPIC_API_KEY: 'k' } },
    );
    const agent = config.agents[1];
    expect(agent).toMatchObject({
      name: 'code-reviewer',
      description: expect.stringMatching(/^Use this agent when code was written\. Examples: <example>.*<\/example>$/),
      instructions: 'You are a senior reviewer.\n\nLeave ${PLACEHOLDERS} alone.',
      model: { provider: 'anthropic', model: expect.stringMatching(/^claude-sonnet-\d/) },
      agents: ['a'],
      limits: { turns: 12 },
      tools: { patterns: ['github/get_pull_request'] },
    });
    expect(warnings.map(inShort)).toEqual([
      'W_CARD_TOOL agents/code-reviewer.md:4:8 agents.code-reviewer goes without the tool "Read": it is built into Claude Code and not there here',
      'W_CARD_TOOL agents/code-reviewer.md:4:14 agents.code-reviewer goes without the tool "Grep": it is built into Claude Code and not there here',
      'W_CARD_TOOL agents/code-reviewer.md:4:20 agents.code-reviewer goes without the tool "Bash(git diff:*)": it is built into Claude Code and not there here',
      'W_CARD_TOOL agents/code-reviewer.md:4:69 agents.code-reviewer goes without the tool "mcp__slack__post": no server "slack" is declared',
      'W_CARD_KEY agents/code-reviewer.md:7:1 "color" means nothing here',
      'W_CARD_KEY agents/code-reviewer.md:8:1 "permissionMode" means nothing here',
      'W_CARD_KEY agents/code-reviewer.md:10:1 "hooks" means nothing here',
      'W_CARD_KEY agents/code-reviewer.md:14:1 "team" means nothing here',
    ]);
    for (const { help } of warnings) expect(help).toBeTruthy();
  });

  test.each([
    ['opus', /^claude-opus-\d/],
    ['haiku', /^claude-haiku-\d/],
    ['claude-opus-4-8', /^claude-opus-4-8$/],
  ])('model: %s is a model of Anthropic', async (model, name) => {
    const card = `---\ndescription: B\nmodel: ${model}\ntools: []\n---\nB`;
    const { config } = await accepted(
      { 'agents.yaml': minimal(), 'agents/b.md': card },
      { env: { ANTHROPIC_API_KEY: 'k' } },
    );
    expect(config.agents[1]?.model).toMatchObject({ provider: 'anthropic', model: expect.stringMatching(name) });
  });

  test('model: inherit is the default model, and so is none; a declared name comes first', async () => {
    const card = (model: string) => `---\ndescription: B\n${model}---\nB`;
    const text = `${minimal()}models: { sonnet: { model: scripted/other.yaml } }\n`;
    const { config } = await accepted({
      'agents.yaml': text,
      'other.yaml': '',
      'agents/b.md': card('model: inherit\n'),
      'agents/c.md': card(''),
      'agents/d.md': card('model: sonnet\n'),
    });
    expect(config.agents.flatMap(modelsOf).map(({ model }) => model.split('/').at(-1))).toEqual([
      'reply.yaml',
      'reply.yaml',
      'reply.yaml',
      'other.yaml',
    ]);
  });

  test('tools that are taken away are not there, though a glob reaches them', async () => {
    const card = '---\ndescription: B\ntools: mcp__github\ndisallowedTools: [mcp__github__delete_repo, Bash]\n---\nB';
    const { config } = await accepted({ 'agents.yaml': minimal(github), 'agents/b.md': card });
    const tools = config.agents[1]?.tools;
    expect([tools?.matches('github/get'), tools?.matches('github/delete_repo')]).toEqual([true, false]);
  });

  test('a file that counts on having every tool is told that it has none', async () => {
    const card = '---\nname: b\ndescription: B\nmodel: inherit\n---\nB';
    const { warnings } = await accepted({ 'agents.yaml': minimal(github), 'agents/b.md': card });
    expect(warnings.map(inShort)).toEqual([
      'W_CARD_TOOLS agents/b.md:2:1 agents.b has no tools: Claude Code would give it all of them',
    ]);
  });
});

describe('cards', () => {
  test('hold all keys of an agent, in front matter or in YAML', async () => {
    const { config } = await accepted({
      'agents.yaml': minimal(github),
      'agents/b.md': '---\ndescription: B\ntools: [github/*]\nlimits: { turns: 2 }\n---\n\nDo b.\n',
      'agents/c.yaml': 'description: C\ninstructions: Do c.\nagents: [b]\n',
      'agents/README.md': '# not a card\n',
    });
    expect(config.agents).toMatchObject([
      { name: 'a' },
      { name: 'b', instructions: 'Do b.', tools: { servers: ['github'] }, limits: { turns: 2 } },
      { name: 'c', instructions: 'Do c.', agents: ['b'] },
    ]);
    expect(config.serve.expose).toEqual(['a', 'b', 'c']);
  });

  test('give an entry without instructions theirs, and whatever else it does not say', async () => {
    const { config } = await accepted({
      'agents.yaml': minimal(),
      'agents/a.md': '---\ndescription: From the card.\nlimits: { turns: 3 }\n---\nDo a.\n',
    });
    expect(config.agents).toMatchObject([
      { name: 'a', description: 'Does a.', instructions: 'Do a.', limits: { turns: 3 } },
    ]);
    const plain = await accepted({ 'agents.yaml': minimal(), 'agents/a.md': 'Just do a.\n' });
    expect(plain.config.agents).toMatchObject([{ name: 'a', instructions: 'Just do a.' }]);
  });

  test('beside an entry with instructions are a second declaration, shown in both places', async () => {
    const cwd = await folderWith({
      'reply.yaml': '',
      'agents.yaml': minimal('', '    instructions: Do a.\n'),
      'agents/a.md': '---\nname: a\ndescription: A\n---\nDo a otherwise.\n',
    });
    const loaded = await loadConfig({ cwd, env: {} });
    if (loaded.ok) throw new Error('accepted');
    expect(loaded.problems).toMatchObject([
      {
        code: 'E_DUPLICATE',
        file: 'agents/a.md',
        line: 2,
        col: 7,
        related: [{ file: 'agents.yaml', line: 4, col: 3 }],
      },
    ]);
  });

  test('are checked with the lines of their own file', async () => {
    expect(
      await refused({
        'agents.yaml': minimal(),
        'agents/b.md':
          '---\r\ndescription: B\r\nlimits:\r\n  turns: none\r\ninstructons: x\r\npermissions: { deny: [x/y] }\r\nagents: [c]\r\n---\r\nB\r\n',
        'agents/c.yml': 'description: C\nmodell: x\n',
      }),
    ).toEqual([
      'E_VALUE agents/b.md:4:10 agents.b.limits.turns must be a whole number from 1 to 10000',
      'E_UNKNOWN_KEY agents/b.md:5:1 unknown key "instructons" in agents.b',
      'E_REFERENCE agents/b.md:6:23 "x/y" in agents.b.permissions.deny matches no declared server',
      'E_UNKNOWN_KEY agents/c.yml:2:1 unknown key "modell" in agents.c',
    ]);
  });

  test.each([
    ['---\ndescription: B\n', 'E_YAML agents/b.md:1:1 the front matter that begins here has no end'],
    ['---\n- B\n---\n', 'E_TYPE agents/b.md:2:1 the front matter must be a map of keys'],
    ['---\ntools: {\n---\n', 'E_YAML agents/b.md:'],
    ['---\n---\nB', 'E_MISSING agents/b.md:1:1 agents.b needs the key "description"'],
    [
      '---\ndescription: B\nhooks: { after_tool: x }\n---\nB',
      'E_FILE agents/b.md:3:22 agents.b.hooks.after_tool needs the file "x", which does not exist',
    ],
    ['---\ndescription: B\ninstructions: x\n---\nB', 'E_DUPLICATE agents/b.md:3:1 agents.b has instructions twice'],
    ['---\ndescription: B\ntools: read\n---\nB', 'E_VALUE agents/b.md:3:8 "read" in agents.b.tools names no server'],
  ])('%j is refused', async (card, problem) => {
    expect(await refused({ 'agents.yaml': minimal(), 'agents/b.md': card })).toContainEqual(
      expect.stringContaining(problem),
    );
  });
});
