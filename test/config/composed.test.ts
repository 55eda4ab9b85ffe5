import { describe, expect, test } from 'vitest';
import { formatProblems } from '../../src/config/format-problems.ts';
import { loadConfig, loadSnapshot } from '../../src/config/load-config.ts';
import { explainPermissions } from '../../src/config/explain-permissions.ts';
import { accepted, folderWith, refused } from './fixture.ts';

/** A network whose `release` is composed, with more of it. */
const network = (release: string, more = ''): string => `version: 1
model: scripted/reply.yaml
agents:
  reviewer: { description: Reviews }
  fixer: { description: Fixes }
  notes: { description: Notes }
  release:
    description: Reviews, then fixes.
${release}${more}`;

const steps = (list: string): string => network(`    steps: ${list}\n`);

describe('a composed agent', () => {
  test('runs its steps and has their agents, each once, in the order of the steps', async () => {
    const { config, warnings } = await accepted(
      steps('[reviewer, { parallel: [fixer, notes] }, { map: fixer, over: report.findings }, { map: notes, over: . }]'),
    );
    expect(warnings).toEqual([]);
    expect(config.agents.at(-1)).toMatchObject({
      name: 'release',
      model: {
        provider: 'plan',
        steps: [
          { run: 'reviewer' },
          { parallel: ['fixer', 'notes'] },
          { map: 'fixer', over: 'report.findings' },
          { map: 'notes', over: '.' },
        ],
      },
      agents: ['reviewer', 'fixer', 'notes'],
      instructions: '',
      mayAskPeople: false,
    });
  });

  test('needs no model, not even a top-level one', async () => {
    const { config } = await accepted(
      steps('[fixer]').replace('model: scripted/reply.yaml\n', '').replaceAll(' }', ', model: scripted/reply.yaml }'),
    );
    expect(config.agents.at(-1)?.model.provider).toBe('plan');
  });

  test('has rules over its agents, limits, input and output like any other', async () => {
    const { config, warnings } = await accepted(
      network(`    steps: [reviewer, fixer]
    permissions: { allow: [reviewer], ask: [{ tool: fixer, expires: 1h }] }
    limits: { agents: 7, depth: 2 }
    input: { type: object, properties: { pr: { type: integer } } }
    output: { type: object }
`),
    );
    expect(warnings).toEqual([]);
    expect(config.agents.at(-1)?.limits).toEqual({ agents: 7, depth: 2 });
    expect(explainPermissions(config, 'release', 'fixer').verdict).toMatchObject({
      decision: 'ask',
      rule: 'agents.yaml:10:45 ask fixer',
    });
    expect(() => explainPermissions(config, 'release', 'notes')).toThrow('it has reviewer, fixer');
  });

  test('is warned of a rule about tools, which its agents have', async () => {
    const rule = '    steps: [fixer]\n    permissions: { allow: [files/*, notes] }\n';
    const { warnings } = await accepted(network(rule, 'mcpServers: { files: { command: x } }\n'));
    expect(warnings.map(({ code, line, help }) => [code, line, help])).toEqual([
      ['W_RULE', 10, 'the agents of its steps have the tools: write the rule there'],
      ['W_RULE', 10, 'permissions give no tools: name it in agents.release.steps as well'],
    ]);
  });

  test('is a card as well, and survives in a snapshot', async () => {
    const root = await folderWith({
      'reply.yaml': '',
      'agents.yaml': 'version: 1\nmodel: scripted/reply.yaml\nagents: { fixer: { description: F, model: client } }\n',
      'agents/release.yaml': 'description: R\nsteps: [fixer, { map: fixer, over: findings }]\n',
      'agents/other.md': '---\ndescription: O\nsteps: [release]\n---\n',
    });
    const loaded = await loadConfig({ cwd: root, env: {} });
    if (!loaded.ok) throw new Error(formatProblems(loaded.problems, { color: false }));
    expect(loaded.config.agents).toMatchObject([
      { name: 'fixer', model: { provider: 'client' } },
      { name: 'other', model: { provider: 'plan' }, agents: ['release'] },
      { name: 'release', model: { steps: [{ run: 'fixer' }, { map: 'fixer', over: 'findings' }] }, agents: ['fixer'] },
    ]);
    const again = await loadSnapshot(loaded.config.snapshot.text, { root, env: {} });
    expect(again.ok && JSON.parse(JSON.stringify(again.config))).toEqual(JSON.parse(JSON.stringify(loaded.config)));
  });

  test('has none of the hooks around models, also of those of the file', async () => {
    const { config } = await accepted({
      'agents.yaml': network(
        '    steps: [fixer]\n    hooks: { before_tool: own.mjs }\n',
        'hooks: { before_model: a.mjs, after_model: a.mjs, task_end: a.mjs }\n',
      ),
      'a.mjs': '',
      'own.mjs': '',
    });
    expect(config.agents.at(-1)?.hooks.map(({ place }) => place)).toEqual(['task_end', 'before_tool']);
    expect(config.agents[0]?.hooks.map(({ place }) => place)).toEqual(['task_end', 'before_model', 'after_model']);
  });

  test('has nothing that only a model could use: each key is named with its mend', async () => {
    const root = await folderWith({
      'reply.yaml': '',
      'a.mjs': '',
      'agents.yaml': network(
        `    steps: [fixer]
    model: scripted/reply.yaml
    instructions: Do it.
    tools: [ask_person]
    agents: [notes]
    hooks: { before_model: a.mjs }
`,
      ),
    });
    const loaded = await loadConfig({ cwd: root, env: {} });
    if (loaded.ok) throw new Error('accepted');
    expect(loaded.problems.map(({ line, col, code, message }) => `${line}:${col} ${code} ${message}`)).toEqual(
      [
        ['10:5', 'model'],
        ['11:5', 'instructions'],
        ['12:5', 'tools'],
        ['13:5', 'agents'],
        ['14:14', 'hooks.before_model'],
      ].map(
        ([at, key]) =>
          `${at} E_VALUE agents.release has \`steps\`, so no model thinks for it, and \`${key}\` means nothing`,
      ),
    );
    expect(loaded.problems[2]?.help).toBe('remove it: give the tools to the agents of its steps');
  });

  test('has no text below the front matter of its card', async () => {
    expect(
      await refused({
        'agents.yaml': 'version: 1\nmodel: scripted/reply.yaml\nagents: { fixer: { description: F } }\n',
        'agents/release.md': '---\ndescription: R\nsteps: [fixer]\n---\nDo it.\n',
      }),
    ).toEqual([
      'E_VALUE agents/release.md:5:1 agents.release has `steps`, so no model thinks for it, and `instructions` means nothing',
    ]);
  });

  test('and its steps are those that exist, in no circle without a bound', async () => {
    expect(await refused(steps('[reviewr, { parallel: [fixer, fixr] }, { map: note, over: x }]'))).toEqual([
      'E_REFERENCE agents.yaml:9:13 unknown agent "reviewr" in agents.release.steps',
      'E_REFERENCE agents.yaml:9:42 unknown agent "fixr" in agents.release.steps',
      'E_REFERENCE agents.yaml:9:58 unknown agent "note" in agents.release.steps',
    ]);
    const circle = (limits: string) =>
      network(
        `    steps: [{ parallel: [fixer, outer] }]\n${limits}`,
        '  outer: { description: O, steps: [release] }\n',
      );
    expect(await refused(circle(''))).toEqual([
      'E_CYCLE agents.yaml:10:36 agents call each other in a circle: release -> outer -> release',
    ]);
    await accepted(circle('    limits: { depth: 2 }\n'));
  });

  test('has limits that its steps can hold', async () => {
    const many = `[${Array.from({ length: 50 }, () => 'fixer').join(', ')}]`;
    expect(await refused(steps(many))).toEqual([
      'E_VALUE agents.yaml:9:5 agents.release.limits.turns must be at least 51 for its steps',
    ]);
    const low = 'limits: { turns: 2, tool_calls: 2, agents: 2, depth: 0 }';
    expect(
      await refused(
        network(`    steps: [reviewer, { parallel: [fixer, notes] }, { map: fixer, over: x }]\n    ${low}\n`),
      ),
    ).toEqual(
      [
        ['10:22', 'turns', 3],
        ['10:37', 'tool_calls', 3],
        ['10:48', 'agents', 3],
        ['10:58', 'depth', 1],
      ].map(
        ([at, key, least]) =>
          `E_VALUE agents.yaml:${at} agents.release.limits.${key} must be at least ${least} for its steps`,
      ),
    );
    await accepted(network(`    steps: [{ map: fixer, over: x }]\n    limits: { turns: 1, tool_calls: 0 }\n`));
  });

  const fault = 'agents.yaml:9';
  test.each([
    ['[]', `E_VALUE ${fault}:12 agents.release.steps must hold at least one step`],
    ['fixer', `E_TYPE ${fault}:12 agents.release.steps must be a list, not text`],
    [
      '[[fixer, notes]]',
      `E_VALUE ${fault}:13 agents.release.steps[0] must be the name of an agent, { parallel: [AGENT, AGENT] } or { map: AGENT, over: KEY }`,
    ],
    ['[{}]', `E_VALUE ${fault}:13 agents.release.steps[0] does not say what runs`],
    ['[{ parallel: [] }]', `E_VALUE ${fault}:25 agents.release.steps[0].parallel must name at least one agent`],
    [
      '[{ parallel: [fixer, { parallel: [notes] }] }]',
      `E_VALUE ${fault}:33 agents.release.steps[0].parallel[1] must be the name of an agent: \`parallel\` holds no steps of its own`,
    ],
    [
      '[{ map: [fixer], over: x }]',
      `E_VALUE ${fault}:20 agents.release.steps[0].map must be the name of an agent: \`map\` holds no steps of its own`,
    ],
    ['[{ map: fixer }]', `E_VALUE ${fault}:15 agents.release.steps[0] does not say over which list`],
    ['[{ over: x }]', `E_VALUE ${fault}:15 agents.release.steps[0] does not say what runs`],
    ['[{ parallel: [fixer], over: x }]', `E_VALUE ${fault}:34 agents.release.steps[0] does two things`],
    ['[{ parallel: [fixer], map: notes, over: x }]', `E_VALUE ${fault}:34 agents.release.steps[0] does two things`],
    [
      '[{ map: fixer, over: a..b }]',
      `E_VALUE ${fault}:33 agents.release.steps[0].over must name a key, or keys joined by dots: findings, report.findings`,
    ],
    ['[{ run: fixer }]', `E_FOREIGN_KEY ${fault}:15 unknown key "run" in agents.release.steps[0]`],
    ['[{ map: fixer, items: x }]', `E_FOREIGN_KEY ${fault}:27 unknown key "items" in agents.release.steps[0]`],
    ['[{ paralel: [fixer] }]', `E_UNKNOWN_KEY ${fault}:15 unknown key "paralel" in agents.release.steps[0]`],
  ])('steps: %s is refused where it is wrong', async (list, message) => {
    expect(await refused(steps(list))).toEqual([message]);
  });
});

describe('model: client', () => {
  const withModels = (models: string, model: string) =>
    `version: 1\nmodels: ${models}\nagents:\n  a: { description: A, model: ${model} }\n`;

  test('is the model of whoever calls, at an agent or for all that name none', async () => {
    const { config, warnings } = await accepted(
      'version: 1\nmodel: client\nagents:\n  a: { description: A }\n  b: { description: B, model: scripted/reply.yaml }\n  c: { description: C, model: client, limits: { cost: $1 } }\n',
      { knownPrice: () => false },
    );
    expect(warnings).toEqual([]);
    expect(config.agents.map(({ model }) => model.provider)).toEqual(['client', 'scripted', 'client']);
  });

  test('has no settings, no name and no fallbacks, and stands in for nothing', async () => {
    const why = '"client" is the model of whoever calls an agent: it has no name, settings or fallbacks';
    expect(await refused(withModels('{ m: { model: client, thinking: high } }', 'm'))).toEqual([
      `E_VALUE agents.yaml:2:23 ${why}`,
    ]);
    expect(await refused(withModels('{ m: { model: scripted/reply.yaml, fallback: [client] } }', 'm'))).toEqual([
      `E_VALUE agents.yaml:2:55 ${why}`,
    ]);
    expect(await refused(withModels('{}', 'client/opus'))).toEqual([`E_VALUE agents.yaml:4:31 ${why}`]);
    expect(await refused(withModels('{ client: { model: scripted/reply.yaml } }', 'client'))).toEqual([
      'E_NAME agents.yaml:2:11 "client" means the model of whoever calls an agent',
    ]);
  });
});
