/**
 * The format of agents.yaml: one zod schema, from which the check, the types and the editors' JSON Schema come.
 * Every key has a description. Whatever one file cannot decide alone (references, what a card holds) is checked later.
 */
import { z } from 'zod';
import { readDuration, readMoney, readSize, type Reading } from './units.ts';
import { keyRules, otherKeys } from './other-keys.ts';

/** A fault with a code and a help of its own, as a zod message; `checkShape` reads it back. */
const coded = (code: string, message: string, help?: string): string => JSON.stringify({ code, message, help });

const reference = String.raw`^\$\{.+\}$`;

/** A number, or a reference (`${PORT:-8080}`) that came to one. */
function number(min: number, max: number, kind: 'a whole number' | 'a number' = 'a whole number') {
  const expected = `must be ${kind} from ${min} to ${max}`;
  const written = (kind === 'a number' ? z.number() : z.int()).min(min).max(max);
  const read = z
    .string()
    .meta({ pattern: reference })
    .transform((text, context) => {
      const parsed = written.safeParse(text.trim() === '' ? undefined : Number(text));
      if (parsed.success) return parsed.data;
      context.addIssue({ code: 'custom', message: expected });
      return z.NEVER;
    });
  return z.union([written, read], { error: expected });
}

/** A number that people write with a unit. */
function measure(read: (written: string | number) => Reading, pattern: string, expected: string) {
  return z
    .union([z.string().meta({ pattern: `${pattern}|${reference}` }), z.number()], { error: expected })
    .transform((written, context) => {
      const reading = read(written);
      if ('value' in reading) return reading.value;
      context.addIssue({ code: 'custom', message: reading.fault });
      return z.NEVER;
    });
}

const duration = () =>
  measure(readDuration, String.raw`^(\d+(\.\d+)? ?(ms|s|m|h|d) ?)+$`, 'must be a duration like 90s, 20m or 1h30m');
const size = () => measure(readSize, String.raw`^\d[\d_]*(\.\d+)? ?[kKM]?$`, 'must be a size like 4096, 400k or 2M');
const money = () =>
  measure(readMoney, String.raw`^(\$ ?\d+(\.\d+)?( ?USD)?|\d+(\.\d+)? ?USD)$`, 'must be an amount like 2 USD or $0.50');
const texts = () => z.array(z.string());
const textMap = () => z.record(z.string(), z.string());

const price = z.strictObject({
  input: number(0, 1_000_000, 'a number').describe('Per million input tokens.'),
  output: number(0, 1_000_000, 'a number').describe('Per million output tokens.'),
  cached_input: number(0, 1_000_000, 'a number')
    .optional()
    .describe('Per million input tokens read from the prompt cache.'),
  cache_write: number(0, 1_000_000, 'a number')
    .optional()
    .describe('Per million input tokens written to the prompt cache.'),
});

const modelSchema = z
  .strictObject({
    model: z
      .string()
      .describe(
        '`provider/model`: anthropic/, openai/ (Responses API), openai-chat/ (any compatible endpoint) or scripted/FILE.',
      ),
    fallback: texts()
      .optional()
      .describe(
        'Models that think instead, in this order, when this one has no key or cannot answer: names from `models`, or `provider/model`.',
      ),
    thinking: z
      .enum(['off', 'low', 'medium', 'high'])
      .optional()
      .describe('How much the model thinks before it answers. Default: as its provider has it.'),
    max_tokens: size().optional().describe('The longest reply, in tokens: 8000, 8k.'),
    temperature: number(0, 2, 'a number')
      .optional()
      .describe('Sampling temperature, 0 to 2. Default: as its provider has it.'),
    base_url: z
      .string()
      .optional()
      .describe('Where the API is. Default: $ANTHROPIC_BASE_URL or $OPENAI_BASE_URL, else the provider.'),
    api_key: z
      .string()
      .optional()
      .describe(
        'A reference such as "${env:MY_KEY}", never the key itself. Default: $ANTHROPIC_API_KEY or $OPENAI_API_KEY; openai-chat with a base_url needs none.',
      ),
    headers: textMap().optional().describe('Headers to send with every request.'),
    context_window: size()
      .optional()
      .describe('Tokens that prompt and reply share: 200k. Default: as known for the model.'),
    price: price.optional().describe('US dollars per million tokens. Default: as known for the model.'),
  })
  .register(keyRules, otherKeys.model);

const toolRule = z
  .strictObject({
    effect: z
      .enum(['read', 'idempotent', 'unsafe'], {
        error: ({ input }) =>
          (typeof input === 'string' && input.startsWith('keyed')) ||
          (typeof input === 'object' && input !== null && 'keyed' in input)
            ? coded('E_NOT_BUILT', 'keyed is not built yet', 'leave the tool unsafe (the default) until it is')
            : undefined,
      })
      .optional()
      .describe(
        'What a call does to the world: `read` changes nothing, `idempotent` may be repeated with the same arguments, `unsafe` (the default) may not.',
      ),
    rename: z.string().optional().describe('What agents and globs call the tool instead.'),
  })
  .register(keyRules, otherKeys.toolRule);

const timeout = z.strictObject({
  idle: duration().optional().describe('Without any sign of life from a call; progress counts as one. Default 60s.'),
  total: duration().optional().describe('For a call in all. Default 10m.'),
});

const notBuiltAuth = ({ input }: { input?: unknown }) =>
  typeof input === 'string'
    ? coded('E_NOT_BUILT', `${JSON.stringify(input.slice(0, 40))} is not built yet`, 'write { bearer: "${env:TOKEN}" }')
    : undefined;

const auth = z
  .strictObject(
    { bearer: z.string().describe('The token: a reference such as "${env:TOKEN}".') },
    { error: notBuiltAuth },
  )
  .register(keyRules, otherKeys.auth);

const serverSchema = z
  .strictObject({
    type: z
      .enum(['stdio', 'http', 'streamable-http'], {
        error: ({ input }) =>
          input === 'sse' || input === 'ws'
            ? coded(
                'E_NOT_BUILT',
                `"${input}" is not built yet`,
                'most servers that had it speak streamable HTTP now: write type: http, often with a url that ends in /mcp',
              )
            : undefined,
      })
      .optional()
      .describe('As in .mcp.json; not needed: a `command` means stdio, a `url` means streamable HTTP.'),
    command: z.string().optional().describe('The program of a stdio server. No shell is involved.'),
    args: texts().optional().describe('Its arguments.'),
    env: textMap().optional().describe('Its environment, besides PATH, HOME and the like: nothing else is passed on.'),
    cwd: z
      .string()
      .optional()
      .describe('The folder it starts in, relative to the folder of agents.yaml. Default: that folder.'),
    url: z.string().optional().describe('Where a streamable HTTP server is.'),
    headers: textMap().optional().describe('Headers to send with every request.'),
    auth: auth.optional().describe('How to sign in to an HTTP server.'),
    trust: z
      .literal('annotations', { error: 'must be "annotations", or be left out' })
      .optional()
      .describe(
        '`annotations`: believe what the server says about the effects of its own tools, where no effect is given here.',
      ),
    concurrency: number(1, 1000).optional().describe('Calls side by side. Default 8.'),
    timeout: z
      .union([duration(), timeout], { error: 'must be a duration like 60s, or { idle: 60s, total: 10m }' })
      .optional()
      .describe('How long a call may stay silent: 60s; or { idle, total }.'),
    tools: z
      .record(z.string(), toolRule)
      .optional()
      .describe('What its tools do, by name or glob (`read_*`). The first that matches holds.'),
  })
  .register(keyRules, otherKeys.server);

const jsonSchema = () => z.record(z.string(), z.unknown());

const limits = z
  .strictObject({
    turns: number(1, 10_000).optional().describe('Model replies a task. Default 50.'),
    tool_calls: number(0, 100_000).optional().describe('Tool calls a task. Default 200.'),
    parallel_tools: number(1, 1000).optional().describe('Tool calls side by side. Default 8.'),
    depth: number(0, 100).optional().describe('Agents under agents. Default 5.'),
    tokens: size().optional().describe('Input and output tokens a task, nested agents included: 400k.'),
    cost: money().optional().describe('Money a task, nested agents included: 2 USD.'),
    time: duration().optional().describe('Time a task: 20m.'),
  })
  .register(keyRules, otherKeys.limits);

const agentKeys = {
  description: z
    .string()
    .min(1, 'must not be empty')
    .optional()
    .describe('What callers see: when to use this agent, and for what. Required, here or in its card.'),
  model: z.string().optional().describe('A name from `models`, or `provider/model`. Default: the top-level `model`.'),
  instructions: z.string().optional().describe('What the agent is told. A card in agents/NAME.md may hold it instead.'),
  tools: texts().optional().describe('`server/tool` globs: files/read_*, github/*. Nothing is implied.'),
  agents: texts().optional().describe('Other agents that this one has as tools.'),
  input: jsonSchema().optional().describe('JSON Schema of what callers send. Default: { message, conversation? }.'),
  output: jsonSchema().optional().describe('JSON Schema of the answer, where it is not free text.'),
  limits: limits.optional().describe('What ends a task early. Every limit has a default or is open.'),
};

export const agentSchema = z.strictObject(agentKeys).register(keyRules, otherKeys.agent);

/** The front matter of agents/NAME.md: our keys, and those of Claude Code's agent files that mean something here. */
export const cardSchema = z
  .strictObject({
    ...agentKeys,
    name: z.string().optional(),
    tools: z.union([z.string(), texts()], { error: 'must be a list, or text with commas' }).optional(),
    disallowedTools: z.union([z.string(), texts()], { error: 'must be a list, or text with commas' }).optional(),
    maxTurns: number(1, 10_000).optional(),
  })
  .register(keyRules, otherKeys.card);

/** agents/NAME.yaml. */
export const yamlCardSchema = z
  .strictObject({ ...agentKeys, name: z.string().optional() })
  .register(keyRules, otherKeys.card);

const http = z
  .strictObject({
    host: z
      .string()
      .optional()
      .describe('The address to listen on; one beyond this machine needs `serve.auth`. Default 127.0.0.1.'),
    port: number(0, 65_535).optional().describe('Default 8080; 0 takes a free one.'),
    allowed_hosts: texts()
      .optional()
      .describe(
        'Names under which callers reach it, besides loopback and the host of `serve.auth.audience`: agents.example, or agents.example:8443.',
      ),
  })
  .register(keyRules, otherKeys.http);

const serveAuth = z
  .strictObject({
    issuer: z
      .string()
      .optional()
      .describe('Who signs the tokens (JWTs) of callers: the URL of the authorization server. Needs `audience`.'),
    audience: z
      .string()
      .optional()
      .describe('What the tokens must be for: the URL of this server as callers see it, https://agents.example/mcp.'),
    scope: z.string().optional().describe('What a token must allow. Default: every token for the audience will do.'),
    keys: textMap()
      .optional()
      .describe('Static keys by the name of their owner: { alice: "${env:ALICE_KEY}" }, sent as a bearer token.'),
  })
  .register(keyRules, otherKeys.serveAuth);

const ownerLimits = z
  .strictObject({
    open_tasks: number(1, 1_000_000).optional().describe('Tasks at work or waiting, a caller. Default 100.'),
    starts_per_second: number(1, 100_000).optional().describe('Tasks that a caller may start a second. Default 20.'),
  })
  .register(keyRules, otherKeys.ownerLimits);

const serve = z
  .strictObject({
    expose: texts().optional().describe('The agents that callers see. Default: all.'),
    http: http.optional().describe('Where `deputy serve --http` listens.'),
    auth: serveAuth
      .optional()
      .describe('Who may call over HTTP, and how callers are told apart. Default: on this machine everybody, as one.'),
    limits: ownerLimits
      .optional()
      .describe('What one caller may start. Default: with `auth` the defaults of its keys, else no limit.'),
    wait: duration()
      .optional()
      .describe('How long a call may wait before its caller gets a handle of the task instead. Default 45s.'),
  })
  .register(keyRules, otherKeys.serve);

const store = z
  .strictObject({
    sqlite: z
      .string()
      .min(1, 'must name a file, or :memory:')
      .optional()
      .describe('A file, relative to the folder of agents.yaml, or `:memory:`. Default ./.deputy/deputy.db.'),
    keep: z
      .union([duration(), z.literal('forever')], { error: 'must be a duration like 7d, or forever' })
      .optional()
      .describe('How long a task is remembered, from its start. Default 7d.'),
  })
  .register(keyRules, otherKeys.store);

const shared = {
  models: z.record(z.string(), modelSchema).optional().describe('Names for models and their settings.'),
  mcpServers: z
    .record(z.string(), serverSchema)
    .optional()
    .describe('The MCP servers whose tools agents may use; entries of a .mcp.json can be pasted in.'),
  agents: z.record(z.string(), agentSchema).optional().describe('The agents, by name. Cards in agents/ add to them.'),
  include: z
    .union([z.string(), texts()], { error: 'must be a file name or a list of them' })
    .optional()
    .describe('Other files of this format whose models, servers and agents belong to this one, relative to this file.'),
};

export const fileSchema = z
  .strictObject({
    version: z.literal(1, { error: 'must be 1' }).describe('The version of this format: 1.'),
    ...shared,
    model: z
      .string()
      .optional()
      .describe('The model of agents that name none: a name from `models`, or `provider/model`.'),
    serve: serve.optional().describe('How the network is served over MCP.'),
    store: store.optional().describe('Where tasks are kept.'),
  })
  .register(keyRules, otherKeys.file);

/** A file that `include` brings in. */
export const includedSchema = z
  .strictObject({ version: z.literal(1, { error: 'must be 1' }).optional(), ...shared })
  .register(keyRules, otherKeys.included);

export type FileEntry = z.output<typeof fileSchema>;
export type ModelEntry = z.output<typeof modelSchema>;
export type ServerEntry = z.output<typeof serverSchema>;
export type AgentEntry = z.output<typeof agentSchema>;
