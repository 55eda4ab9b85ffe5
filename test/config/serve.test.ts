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

  test('postgres is refused by name, with what to write instead', async () => {
    const [problem] = await refused(minimal('store: { postgres: "${env:DATABASE_URL:-x}" }\n'));
    expect(problem).toMatch(/^E_NOT_BUILT agents\.yaml:6:10 .*postgres.* not built yet/);
  });
});
