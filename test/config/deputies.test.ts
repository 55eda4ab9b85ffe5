/** Deputies that start each other: what `validate` says about their files together. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ServerConfig } from '../../src/config/config.ts';
import { deputyLaunch } from '../../src/config/deputy-launch.ts';
import { formatProblems } from '../../src/config/format-problems.ts';
import { loadNetwork, type LoadedNetwork } from '../../src/config/load-network.ts';
import { folderWith, inShort } from './fixture.ts';

async function network(files: Record<string, string>, env: Record<string, string> = {}): Promise<LoadedNetwork> {
  const cwd = await folderWith({ 'reply.yaml': '', ...files });
  return loadNetwork({ file: 'a.yaml', cwd, env });
}

async function warningsOf(files: Record<string, string>, env?: Record<string, string>): Promise<string[]> {
  const loaded = await network(files, env);
  if (!loaded.ok) throw new Error(formatProblems(loaded.problems, { color: false }));
  return loaded.warnings.map(inShort);
}

/** `deputy serve` with a file. */
const starts = (file: string, more = ', deputy: true'): string =>
  `{ command: deputy, args: [serve, --stdio, -c, ${file}]${more} }`;

const deputy = (servers: Record<string, string>, agents: Record<string, string>, more = ''): string => `version: 1
model: scripted/reply.yaml
mcpServers: {${Object.keys(servers).length === 0 ? '}' : ''}
${Object.entries(servers)
  .map(([name, entry]) => `  ${name}: ${entry},`)
  .join('\n')}
${Object.keys(servers).length === 0 ? '' : '}'}
agents:
${Object.entries(agents)
  .map(([name, keys]) => `  ${name}: { description: X${keys === '' ? '' : `, ${keys}`} }`)
  .join('\n')}
${more}`;

const bank = deputy({}, { payer: '', ledger: '' }, 'serve: { expose: [payer] }\n');

describe('a network of Deputies', () => {
  test('that is declared as such has nothing to be warned of', async () => {
    const loaded = await network({
      'a.yaml': deputy({ bank: starts('sub/b.yaml') }, { lead: 'tools: [bank/*]' }),
      'sub/b.yaml': bank.replace('reply.yaml', '../reply.yaml'),
    });
    if (!loaded.ok) throw new Error('refused');
    expect(loaded.warnings).toEqual([]);
    expect([...loaded.tree.others].map(([name, { config }]) => [name, config.agents.length])).toEqual([['bank', 2]]);
  });

  test('says where an entry starts a Deputy and does not say so, and what is lost', async () => {
    const a = (more: string) => deputy({ bank: starts('b.yaml', more) }, { lead: 'tools: [bank/*]' });
    const lost =
      'W_DEPUTY a.yaml:4:3 mcpServers.bank starts a Deputy (b.yaml): without `deputy: true` its agents know no limits and rules of their callers, and what they cost is not counted';
    expect(await warningsOf({ 'a.yaml': a(''), 'b.yaml': bank })).toEqual([lost]);
    const asking = bank
      .replace('payer: { description: X }', 'payer: { description: X, agents: [ledger] }')
      .replace('ledger: { description: X }', 'ledger: { description: X, permissions: { ask: ["*"] } }');
    expect(await warningsOf({ 'a.yaml': a(''), 'b.yaml': asking })).toEqual([
      `${lost}; what ledger asks by b.yaml:8:50 ask * reaches nobody here`,
    ]);
    expect(await warningsOf({ 'a.yaml': a(', asks: true'), 'b.yaml': asking })).toEqual([lost]);
    expect(
      await warningsOf({
        'a.yaml': a(''),
        'b.yaml': bank.replace('payer: { description: X', 'payer: { description: X, tools: [ask_person]'),
      }),
    ).toEqual([`${lost}; what payer asks people reaches nobody here`]);
  });

  test('says where a file is missing or wrong, and is silent where only the environment may lack something', async () => {
    const a = deputy({ bank: starts('b.yaml') }, { lead: 'tools: [bank/*]' });
    expect(await warningsOf({ 'a.yaml': a })).toEqual([
      'W_DEPUTY a.yaml:4:3 mcpServers.bank cannot start: b.yaml does not exist',
    ]);
    expect(await warningsOf({ 'a.yaml': a, 'b.yaml': bank.replace('agents:', 'agent:') })).toEqual([
      'W_DEPUTY a.yaml:4:3 mcpServers.bank cannot start: b.yaml has errors',
    ]);
    const keyed = bank.replace('scripted/reply.yaml', 'anthropic/claude-x');
    expect(await warningsOf({ 'a.yaml': a, 'b.yaml': keyed })).toEqual([]);
  });

  test('takes the environment of the entry for that of its file', async () => {
    const a = deputy(
      { bank: starts('b.yaml', ', deputy: true, env: { WHO: payer }') },
      { lead: 'tools: [bank/pay, bank/payer]' },
    );
    const b = bank.replace('[payer]', '["${WHO}"]');
    expect(await warningsOf({ 'a.yaml': a, 'b.yaml': b }, { WHO: 'nobody' })).toEqual([
      'W_TOOL a.yaml:7:35 b.yaml exposes no agent that "bank/pay" in agents.lead.tools could mean',
    ]);
  });

  test('knows agents by the names that the entry gives them', async () => {
    const a = (glob: string) =>
      deputy(
        { bank: starts('b.yaml', ', deputy: true, tools: { payer: { rename: pay } }') },
        { lead: `tools: [${glob}]` },
      );
    expect(await warningsOf({ 'a.yaml': a('bank/pay'), 'b.yaml': bank })).toEqual([]);
    expect(await warningsOf({ 'a.yaml': a('bank/payer'), 'b.yaml': bank })).toHaveLength(1);
    expect(await warningsOf({ 'a.yaml': a('bank/ledger'), 'b.yaml': bank })).toHaveLength(1);
    expect(await warningsOf({ 'a.yaml': a('"*/x"'), 'b.yaml': bank })).toEqual([]);
  });

  test('is warned of a circle once, at the server by which it leaves the first file, with the files named', async () => {
    const circle = (limits = '') => ({
      'a.yaml': deputy({ b: starts('b.yaml') }, { lead: 'tools: [b/*]', other: '' }),
      'b.yaml': deputy(
        { c: starts('c.yaml') },
        { mid: 'agents: [deep]', deep: `tools: [c/*]${limits}` },
        'serve: { expose: [mid] }\n',
      ),
      'c.yaml': deputy({ a: starts('a.yaml') }, { leaf: 'tools: [a/lead]' }),
    });
    expect(await warningsOf(circle())).toEqual([
      'W_CYCLE a.yaml:4:3 agents call each other in a circle of Deputies: lead (a.yaml) -> mid (b.yaml) -> deep (b.yaml) -> leaf (c.yaml) -> lead (a.yaml)',
    ]);
    expect(await warningsOf(circle(', limits: { depth: 3 }'))).toEqual([]);
  });

  test('is warned of a circle below the first file as well, and of an agent that calls itself', async () => {
    expect(
      await warningsOf({
        'a.yaml': deputy({ b: starts('b.yaml') }, { lead: 'tools: [b/*]' }),
        'b.yaml': deputy({ me: starts('b.yaml') }, { mid: 'tools: [me/mid]' }),
      }),
    ).toEqual(['W_CYCLE b.yaml:4:3 agents call each other in a circle of Deputies: mid (b.yaml) -> mid (b.yaml)']);
  });

  test('is no circle where files start each other and agents do not', async () => {
    expect(
      await warningsOf({
        'a.yaml': deputy({ b: starts('b.yaml') }, { lead: 'tools: [b/*]', notes: '' }),
        'b.yaml': deputy({ a: starts('a.yaml') }, { mid: 'tools: [a/notes]' }),
      }),
    ).toEqual([]);
  });

  test('costs its callers what agents of other Deputies cost', async () => {
    const env = { ANTHROPIC_API_KEY: 'k', KEY: 'key-of-alice-0123456789' };
    const a = (limits: string) =>
      deputy(
        { bank: starts('b.yaml') },
        { lead: `tools: [bank/*]${limits}`, flow: `steps: [lead]${limits}` },
        'serve: { auth: { keys: { alice: "${KEY}" } } }\n',
      );
    const b = bank.replace('scripted/reply.yaml', 'anthropic/claude-x');
    const message = (line: number, name: string) =>
      `W_COST a.yaml:${line}:3 agents.${name} may cost its callers' host any amount: no limit of cost or tokens`;
    expect(await warningsOf({ 'a.yaml': a(''), 'b.yaml': b }, env)).toEqual([message(7, 'lead'), message(8, 'flow')]);
    expect(await warningsOf({ 'a.yaml': a(', limits: { cost: $1 }'), 'b.yaml': b }, env)).toEqual([]);
    expect(await warningsOf({ 'a.yaml': a(''), 'b.yaml': bank }, env)).toEqual([]);
    expect(await warningsOf({ 'a.yaml': a(''), 'b.yaml': b.replace('anthropic/claude-x', 'client') }, env)).toEqual([]);
  });
});

test('a map over a list of any length is warned of where agents and calls were raised and nothing else bounds it', async () => {
  const a = (limits: string) =>
    deputy({}, { item: '', flow: `steps: [item, { map: item, over: all }]${limits}` }, 'serve: { expose: [flow] }\n');
  expect(await warningsOf({ 'a.yaml': a(', limits: { agents: 5000, tool_calls: 3000 }') })).toEqual([
    'W_FANOUT a.yaml:8:41 agents.flow may run as many agents as whoever makes the list likes, up to 3000',
  ]);
  for (const limits of ['', ', limits: { agents: 5000 }', ', limits: { agents: 5000, tool_calls: 3000, time: 1h }'])
    expect(await warningsOf({ 'a.yaml': a(limits) })).toEqual([]);
});

test.each([
  ['deputy', ['serve', '--stdio', '-c', 'x.yaml'], '/w/x.yaml'],
  ['/usr/bin/deputy', ['--config', '/etc/x.yaml', 'serve'], '/etc/x.yaml'],
  ['deputy.cmd', ['--config=x.yaml', 'serve'], '/w/x.yaml'],
  ['npx', ['-y', 'deputy-mcp@1.2.3', 'serve', '-cx.yaml'], '/w/x.yaml'],
  ['npx', ['--package', 'deputy-mcp', 'deputy', 'serve', '-c', 'x.yaml'], '/w/x.yaml'],
  ['node', ['node_modules/deputy-mcp/dist/cli/main.js', '-c', 'x.yaml', 'serve'], '/w/x.yaml'],
  ['node', [join(import.meta.dirname, '../../src/cli/main.ts'), '-c', 'x.yaml', 'serve'], '/w/x.yaml'],
  ['deputy', ['serve'], undefined],
])('%s %j is a Deputy', (command, args, config) => {
  expect(deputyLaunch(stdio(command, args))).toEqual(config === undefined ? {} : { config });
});

test.each([
  ['docker-agent', ['serve', '-c', 'x.yaml']],
  ['npx', ['other-mcp', 'serve', '-c', 'x.yaml']],
  ['node', ['cli/main.js', 'serve', '-c', 'x.yaml']],
  ['deputy', ['mcp', 'list']],
  ['npx', ['server', 'serve', 'deputy-mcp']],
])('%s %j may be anything, unless the entry says that it is one', (command, args) => {
  expect(deputyLaunch(stdio(command, args))).toBeUndefined();
  if (args[0] !== 'mcp') expect(deputyLaunch({ ...stdio(command, args), deputy: true })).toBeDefined();
});

function stdio(command: string, args: string[]): ServerConfig {
  const rest = { trustsAnnotations: false, deputy: false, asks: false, urlHosts: [], sampling: false, tools: [] };
  return { name: 's', kind: 'stdio', command, args, env: {}, cwd: '/w', ...rest };
}
