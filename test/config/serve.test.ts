import { describe, expect, test } from 'vitest';
import { redacted } from '../../src/log.ts';
import { accepted, minimal, refused } from './fixture.ts';

const env = { ALICE_KEY: 'alice-key-0123456789', BOB_KEY: 'bob-key-0123456789', SHORT: 'abc' };

describe('serve.auth', () => {
  test('keys are read from the environment, by the name of their owner, and never shown', async () => {
    const text = minimal('serve: { http: {}, auth: { keys: { alice: "${env:ALICE_KEY}", bob: "${BOB_KEY}" } } }\n');
    const { config } = await accepted(text, { env });
    expect(config.serve.auth).toEqual({
      keys: [
        { owner: 'alice', key: env.ALICE_KEY },
        { owner: 'bob', key: env.BOB_KEY },
      ],
    });
    expect(config.serve.limits).toEqual({ openTasks: 100, startsPerSecond: 20 });
    expect(redacted(`token ${env.ALICE_KEY}`)).toBe('token [redacted]');
  });

  test('tokens are taken from one issuer, for one audience, whose host is one of ours', async () => {
    const auth = '{ issuer: "https://id.example", audience: "https://agents.example/mcp", scope: agents }';
    const http = '{ host: 0.0.0.0, port: 0, allowed_hosts: ["inside.example:8443"] }';
    const { config } = await accepted(minimal(`serve: { http: ${http}, auth: ${auth}, limits: { open_tasks: 5 } }\n`));
    expect(config.serve).toMatchObject({
      http: { host: '0.0.0.0', port: 0 },
      hosts: ['inside.example:8443', 'agents.example'],
      auth: { issuer: 'https://id.example', audience: 'https://agents.example/mcp', scope: 'agents', keys: [] },
      limits: { openTasks: 5, startsPerSecond: 20 },
    });
  });

  test.each([
    ['{ }', 'E_VALUE agents.yaml:6:10 serve.auth lets nobody in'],
    [
      '{ keys: { a: "${env:GONE}" } }',
      'E_ENV agents.yaml:6:30 serve.auth.keys.a needs the environment variable GONE, which is not set',
    ],
    [
      '{ keys: { a: not-a-reference-at-all } }',
      'E_SECRET agents.yaml:6:29 serve.auth.keys.a must be a reference, never the key itself',
    ],
    [
      '{ keys: { a: "${env:SHORT}" } }',
      'E_VALUE agents.yaml:6:29 what serve.auth.keys.a refers to is no key that can be sent and not guessed',
    ],
    [
      '{ keys: { "https://id#bob": "${env:BOB_KEY}" } }',
      'E_NAME agents.yaml:6:26 "https://id#bob" is no name of an owner',
    ],
    ['{ issuer: "https://id.example" }', 'E_MISSING agents.yaml:6:18 serve.auth.issuer needs audience beside it'],
    ['{ audience: x }', 'E_MISSING agents.yaml:6:18 serve.auth.audience needs issuer beside it'],
    [
      '{ issuer: "http://id.example", audience: x }',
      'E_VALUE agents.yaml:6:26 serve.auth.issuer must be an https URL, not "http://id.example"',
    ],
    [
      '{ scope: x, keys: { a: "${env:BOB_KEY}" } }',
      'E_VALUE agents.yaml:6:18 serve.auth.scope is about tokens of an issuer',
    ],
  ])('%s is refused', async (auth, problem) => {
    expect(await refused(minimal(`serve: { auth: ${auth} }\n`), { env })).toContain(problem);
  });

  test('a key that is missing is said once', async () => {
    expect(await refused(minimal('serve: { auth: { keys: { a: "${env:GONE}" } } }\n'))).toHaveLength(1);
  });

  test('keys of other tools are answered with ours', async () => {
    expect(await refused(minimal('serve: { auth: { jwks_uri: x } }\n'))).toContainEqual(
      expect.stringContaining('E_FOREIGN_KEY'),
    );
  });
});

describe('store', () => {
  test('is a file beside agents.yaml, another one, or memory', async () => {
    const usual = (await accepted(minimal())).config;
    expect(usual.store).toEqual({ sqlite: `${usual.root}/.deputy/deputy.db` });
    const other = (await accepted(minimal('store: { sqlite: data/x.db, keep: 2d }\n'))).config;
    expect(other.store).toEqual({ sqlite: `${other.root}/data/x.db`, keep: 2 * 86_400_000 });
    const memory = (await accepted(minimal('store: { sqlite: ":memory:", keep: forever }\n'))).config;
    expect(memory.store).toEqual({ sqlite: ':memory:', keep: null });
  });

  test('what is no URL of a database is refused, where the environment has it as well', async () => {
    const [problem] = await refused(minimal('store: { postgres: "${env:DATABASE_URL:-x}" }\n'));
    expect(problem).toBe('E_VALUE agents.yaml:6:20 store.postgres is no URL of a database');
  });
});

describe('serve.limits', () => {
  test('tasks_at_work is about all callers, and sets no limit to one of them', async () => {
    const { config } = await accepted(minimal('serve: { limits: { tasks_at_work: 40 } }\n'));
    expect(config.serve).toMatchObject({ tasksAtWork: 40 });
    expect(config.serve.limits).toBeUndefined();
  });

  test('working_tasks alone sets no other limit', async () => {
    const limits = async (written: string) => (await accepted(minimal(`serve: ${written}\n`))).config.serve.limits;
    expect(await limits('{ limits: { working_tasks: 7 } }')).toEqual({ workingTasks: 7 });
    expect(await limits('{ limits: { working_tasks: 7, starts_per_second: 3 } }')).toEqual({
      workingTasks: 7,
      openTasks: 100,
      startsPerSecond: 3,
    });
  });
});

describe('serve.abandon_after', () => {
  test('says how long a caller may be silent', async () => {
    const { config } = await accepted(minimal('serve: { abandon_after: 90m }\n'));
    expect(config.serve.abandonAfter).toBe(5_400_000);
    expect((await accepted(minimal())).config.serve).not.toHaveProperty('abandonAfter');
    expect(await refused(minimal('serve: { abandon_after: 0s }\n'))).toEqual([
      'E_VALUE agents.yaml:6:25 serve.abandon_after must be longer than nothing',
    ]);
    expect(await refused(minimal('serve: { orphans_after: 1h }\n'))).toEqual([
      'E_FOREIGN_KEY agents.yaml:6:10 unknown key "orphans_after" in serve',
    ]);
  });
});

describe('serve.webhooks', () => {
  const hooks = (...webhooks: string[]): string => minimal(`serve: { webhooks: [${webhooks.join(', ')}] }\n`);
  const base64 = Buffer.alloc(24, 7).toString('base64');
  const secrets = {
    PLAIN: 'x'.repeat(24),
    STANDARD: `whsec_${base64}`,
    WEAK: 'x'.repeat(23),
    WEAKER: 'whsec_eHh4eHh4eHh4eHh4eHh4eA==',
  };

  test('have an address and a secret, which is never shown', async () => {
    const { config } = await accepted(
      hooks(
        '{ url: "https://chat.example/hook", secret: "${env:PLAIN}" }',
        '{ url: "http://127.0.0.1:9/", secret: "${STANDARD}" }',
      ),
      { env: secrets },
    );
    expect(config.serve.webhooks).toEqual([
      { url: 'https://chat.example/hook', secret: secrets.PLAIN },
      { url: 'http://127.0.0.1:9/', secret: secrets.STANDARD },
    ]);
    expect(redacted(`signed with ${secrets.STANDARD}`)).toBe('signed with [redacted]');
  });

  test.each([
    [
      '{ url: "https://x.example/", secret: "${env:WEAK}" }',
      'E_VALUE agents.yaml:6:58 what serve.webhooks[0].secret refers to has fewer than 24 bytes',
    ],
    [
      '{ url: "https://x.example/", secret: "${env:WEAKER}" }',
      'E_VALUE agents.yaml:6:58 what serve.webhooks[0].secret refers to has fewer than 24 bytes',
    ],
    [
      '{ url: "https://x.example/", secret: 0123456789012345678901234567890 }',
      'E_TYPE agents.yaml:6:58 serve.webhooks[0].secret must be text, not a number',
    ],
    [
      '{ url: "https://x.example/", secret: a-secret-of-more-than-24-bytes }',
      'E_SECRET agents.yaml:6:58 serve.webhooks[0].secret must be a reference, never the secret itself',
    ],
    [
      '{ url: "http://x.example/", secret: "${env:PLAIN}" }',
      'E_VALUE agents.yaml:6:28 serve.webhooks[0].url must be an https URL',
    ],
    [
      '{ url: "file:///etc/passwd", secret: "${env:PLAIN}" }',
      'E_VALUE agents.yaml:6:28 serve.webhooks[0].url must be an https URL',
    ],
    [
      '{ url: "https://me:pass@x.example/", secret: "${env:PLAIN}" }',
      'E_VALUE agents.yaml:6:28 serve.webhooks[0].url holds a name and password',
    ],
    ['{ url: "https://x.example/" }', 'E_MISSING agents.yaml:6:21 serve.webhooks[0] needs the key "secret"'],
    [
      '{ url: "https://x.example/", secret: "${env:PLAIN}", events: [x] }',
      'E_FOREIGN_KEY agents.yaml:6:74 unknown key "events" in serve.webhooks[0]',
    ],
  ])('%s', async (webhook, problem) => {
    expect(await refused(hooks(webhook), { env: secrets })).toEqual([problem]);
  });
});

describe('an exposed agent without a limit of cost or tokens', () => {
  const paid = { ...env, ANTHROPIC_API_KEY: 'k' };
  const auth = 'serve: { expose: [a], auth: { keys: { alice: "${env:ALICE_KEY}" } } }\n';
  const withModel = (agent: string, more = ''): string =>
    minimal(more, agent).replace('scripted/reply.yaml', 'anthropic/claude-x');

  test('is warned of where others may call it', async () => {
    const { warnings } = await accepted(withModel('', auth), { env: paid });
    expect(warnings).toMatchObject([
      { code: 'W_COST', line: 4, col: 3, help: 'give it one: agents.a.limits: { cost: 2 USD }' },
    ]);
    const below = await accepted(
      minimal(
        `  b: { description: B, model: anthropic/claude-x }\n${auth}`,
        '    agents: [b]\n    limits: { turns: 3 }\n',
      ),
      { env: paid },
    );
    expect(below.warnings).toMatchObject([{ code: 'W_COST', line: 7, col: 5 }]);
  });

  test.each([
    ['with a limit of cost', withModel('    limits: { cost: 2 USD }\n', auth)],
    ['with a limit of tokens', withModel('    limits: { tokens: 400k }\n', auth)],
    ['for whom only this machine calls', withModel('', 'serve: { http: {} }\n')],
    [
      'that is not exposed',
      withModel('', '').concat(`  b: { description: B, limits: { cost: $1 } }\n${auth.replace('[a]', '[b]')}`),
    ],
    ['whose model is a script', minimal(auth)],
    [
      'whose agents have limits of their own',
      minimal(`  b: { description: B, model: anthropic/claude-x, limits: { cost: $1 } }\n${auth}`, '    agents: [b]\n'),
    ],
  ])('%s is not', async (_, text) => {
    expect((await accepted(text, { env: paid })).warnings).toEqual([]);
  });
});

describe('store', () => {
  test('has a second clock for the journal', async () => {
    const { config } = await accepted(minimal('store: { keep: 2d, keep_journal: 20d }\n'));
    expect(config.store).toMatchObject({ keep: 172_800_000, keepJournal: 1_728_000_000 });
    expect((await accepted(minimal('store: { keep_journal: forever }\n'))).config.store.keepJournal).toBeNull();
    expect((await accepted(minimal('store: { keep: 2d }\n'))).config.store).not.toHaveProperty('keepJournal');
  });

  test.each(['{ keep: 2d, keep_journal: 1d }', '{ keep_journal: 6d }', '{ keep: forever, keep_journal: 20d }'])(
    '%s forgets the journal of a task that it remembers',
    async (store) => {
      expect(await refused(minimal(`store: ${store}\n`))).toEqual([
        expect.stringMatching(
          /^E_VALUE agents\.yaml:6:\d+ store\.keep_journal must be at least as long as store\.keep$/,
        ),
      ]);
    },
  );
});
