import { modelsOf } from '../../src/config/models-of.ts';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { formatProblems } from '../../src/config/format-problems.ts';
import { accepted, inShort, refused } from './fixture.ts';

const withModel = (model: string, models = '') =>
  `version: 1\n${models}agents:\n  a: { description: A, model: ${model} }\n`;
const keys = { ANTHROPIC_API_KEY: 'a-key', OPENAI_API_KEY: 'o-key' };

test('provider/model needs no entry; key and address come from the environment', async () => {
  const env = { ...keys, ANTHROPIC_BASE_URL: 'http://127.0.0.1:1/a', OPENAI_BASE_URL: 'http://127.0.0.1:1/o' };
  const modelOf = async (name: string) => (await accepted(withModel(name), { env })).config.agents[0]?.model;
  expect(await modelOf('anthropic/claude-opus-5-5')).toEqual({
    provider: 'anthropic',
    model: 'claude-opus-5-5',
    baseUrl: 'http://127.0.0.1:1/a',
    apiKey: 'a-key',
    fallback: [],
  });
  expect(await modelOf('openai/gpt-6')).toMatchObject({
    provider: 'openai',
    baseUrl: 'http://127.0.0.1:1/o',
    apiKey: 'o-key',
  });
  expect(await modelOf('openai-chat/org/name')).toMatchObject({
    provider: 'openai-chat',
    model: 'org/name',
    apiKey: 'o-key',
  });
});

test('an entry says everything else', async () => {
  const models = `models:
  m:
    model: openai-chat/qwen3
    base_url: http://127.0.0.1:11434/v1
    thinking: low
    max_tokens: 8k
    temperature: 0.2
    headers: { X-Team: lab }
    context_window: 128k
    price: { input: 1, output: 2, cached_input: 0.1, cache_write: 1.25 }
`;
  expect((await accepted(withModel('m', models))).config.agents[0]?.model).toEqual({
    provider: 'openai-chat',
    model: 'qwen3',
    baseUrl: 'http://127.0.0.1:11434/v1',
    thinking: 'low',
    maxTokens: 8000,
    temperature: 0.2,
    headers: { 'X-Team': 'lab' },
    contextWindow: 128_000,
    price: { input: 1, output: 2, cachedInput: 0.1, cacheWrite: 1.25 },
    fallback: [],
  });
});

test('scripted/FILE is relative to the file and must be there', async () => {
  const { config } = await accepted(withModel('scripted/reply.yaml'));
  expect(config.agents[0]?.model).toEqual({
    provider: 'scripted',
    model: join(config.root, 'reply.yaml'),
    fallback: [],
  });
  expect(await refused(withModel('scripted/gone.yaml'))).toEqual([
    'E_FILE agents.yaml:3:31 the script "gone.yaml" does not exist',
  ]);
});

test('a model without its key leaves thinking to its fallback, with a warning that says so', async () => {
  const models = 'models:\n  m: { model: anthropic/x, fallback: [n, scripted/reply.yaml] }\n  n: { model: openai/y }\n';
  const { config, warnings } = await accepted(withModel('m', models), { env: { OPENAI_API_KEY: 'o-key' } });
  expect(config.agents[0]?.model).toMatchObject({ model: 'y', fallback: [{ provider: 'scripted', fallback: [] }] });
  expect(formatProblems(warnings, { color: false }))
    .toBe(`agents.yaml:3:15 warning W_MODEL_SKIPPED m has no API key, so n thinks instead
3 |   m: { model: anthropic/x, fallback: [n, scripted/reply.yaml] }
  |               ^^^^^^^^^^^
help: set ANTHROPIC_API_KEY
`);
});

test('several without their keys are one warning; a fallback that could not stand in is another', async () => {
  const models = 'models:\n  m: { model: anthropic/x, fallback: [openai/y, scripted/reply.yaml] }\n';
  const none = await accepted(withModel('m', models));
  expect(none.warnings).toMatchObject([
    {
      message: 'm and openai/y have no API key, so scripted/reply.yaml thinks instead',
      help: 'set ANTHROPIC_API_KEY or OPENAI_API_KEY',
    },
  ]);
  const one = await accepted(withModel('m', models), { env: { ANTHROPIC_API_KEY: ' a-key\n' } });
  expect(one.config.agents[0]?.model).toMatchObject({ apiKey: 'a-key', fallback: [{ provider: 'scripted' }] });
  expect(one.warnings.map(inShort)).toEqual([
    'W_MODEL_SKIPPED agents.yaml:3:39 openai/y has no API key, so it cannot stand in for m',
  ]);
});

test('a key that is asked for by reference is the one that is missing, whatever else is set', async () => {
  const models = 'models:\n  m: { model: openai/x, api_key: "${env:TEAM_KEY}" }\n';
  expect(await refused(withModel('m', models), { env: keys })).toEqual(['E_NO_KEY agents.yaml:3:34 m has no API key']);
  const chat = models.replace('openai/x', 'openai-chat/x, base_url: "http://127.0.0.1:1"');
  expect(await refused(withModel('m', chat), { env: keys })).toEqual([expect.stringMatching(/^E_NO_KEY/)]);
});

test('without any usable model it is one error a reference, however many agents use it', async () => {
  const text = `version: 1\nmodel: m\nmodels:\n  m: { model: anthropic/x, fallback: [openai/y] }\nagents:\n  a: { description: A }\n  b: { description: B }\n`;
  expect(await refused(text)).toEqual([
    'E_NO_KEY agents.yaml:4:15 m has no API key, and neither has its fallback openai/y',
  ]);
});

test('chains are flat, in order, each model once', async () => {
  const models = `models:
  a1: { model: anthropic/1, fallback: [a2, a3] }
  a2: { model: anthropic/2, fallback: [a3] }
  a3: { model: anthropic/3 }
`;
  const { config } = await accepted(withModel('a1', models), { env: keys });
  expect(
    config.agents
      .flatMap(modelsOf)
      .slice(1)
      .map(({ model }) => model),
  ).toEqual(['2', '3']);
});

test('models that fall back in a circle are refused', async () => {
  const models = 'models:\n  m: { model: anthropic/1, fallback: [n] }\n  n: { model: anthropic/2, fallback: [m] }\n';
  expect(await refused(withModel('m', models), { env: keys })).toEqual([
    'E_CYCLE agents.yaml:4:39 models fall back in a circle: m -> n -> m',
  ]);
});

test.each([
  ['gpt-6', 'unknown model "gpt-6"'],
  ['mistral/large', 'unknown provider "mistral"'],
  ['anthropic/', 'unknown provider "anthropic"'],
])('%s leads nowhere', async (model, message) => {
  expect(await refused(withModel(model), { env: keys })).toEqual([`E_REFERENCE agents.yaml:3:31 ${message}`]);
});

test('an agent without a model of its own has the default one, or says that it needs one', async () => {
  const text = 'agents:\n  a: { description: A }\n';
  expect((await accepted(`version: 1\nmodel: scripted/reply.yaml\n${text}`)).config.agents[0]?.model.provider).toBe(
    'scripted',
  );
  expect(await refused(`version: 1\n${text}`)).toEqual(['E_MISSING agents.yaml:3:3 agents.a needs the key "model"']);
});

test('a base URL must be one', async () => {
  const models = 'models:\n  m: { model: openai/x, base_url: localhost:80 }\n';
  expect(await refused(withModel('m', models), { env: keys })).toEqual([
    'E_VALUE agents.yaml:3:35 the base URL must begin with http:// or https://',
  ]);
  expect(await refused(withModel('openai/x'), { env: { ...keys, OPENAI_BASE_URL: 'nonsense' } })).toEqual([
    'E_VALUE agents.yaml:3:31 the base URL ($OPENAI_BASE_URL) must begin with http:// or https://',
  ]);
});

test('a cost limit needs a known price; without a limit an unknown price is a warning', async () => {
  const knownPrice = () => false;
  const limited = 'version: 1\nmodel: openai/x\nagents:\n  a: { description: A, limits: { cost: $1 } }\n';
  expect(await refused(limited, { env: keys, knownPrice })).toEqual([
    'E_PRICE agents.yaml:4:40 agents.a.limits.cost cannot hold: what openai/x costs is not known',
  ]);
  await accepted(limited, { env: keys, knownPrice: () => true });
  const { warnings } = await accepted(withModel('openai/x'), { env: keys, knownPrice });
  expect(warnings.map(inShort)).toEqual([
    'W_PRICE agents.yaml:3:31 what openai/x costs is not known, so its cost is shown as unknown',
  ]);
  const priced = 'models:\n  m: { model: openai/x, price: { input: 1, output: 1 } }\n';
  expect((await accepted(withModel('m', priced), { env: keys, knownPrice })).warnings).toEqual([]);
  expect((await accepted(withModel('scripted/reply.yaml'), { knownPrice })).warnings).toEqual([]);
});
