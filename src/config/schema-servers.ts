/** The entries of `mcpServers`. */
import { z } from 'zod';
import { keyRules, otherKeys } from './other-keys.ts';
import { coded, duration, number, textMap, texts } from './schema-values.ts';

const keyed = z
  .strictObject({
    keyed: z
      .string()
      .min(1, 'must name an argument')
      .describe('Where the server looks for the key: an argument, or a `_meta` key.'),
  })
  .register(keyRules, otherKeys.keyed);

const toolRule = z
  .strictObject({
    effect: z
      .union([z.enum(['read', 'idempotent', 'unsafe']), keyed], {
        error: 'must be one of read, idempotent, unsafe, or { keyed: NAME }',
      })
      .optional()
      .describe(
        'What a call does to the world: `read` changes nothing, `idempotent` may be repeated with the same arguments, `{ keyed: NAME }` with the same key in the argument (or else the `_meta` key) of that name, `unsafe` (the default) may not.',
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

export const serverSchema = z
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
    deputy: z
      .boolean()
      .optional()
      .describe(
        'It is another Deputy, whose agents work as if they were here: their questions come up to people, limits, rules and the budget go down to them, what they used is settled. Default false.',
      ),
    protocol: z
      .enum(['2025-11-25', '2026-07-28'])
      .optional()
      .describe('The only version of MCP to speak with it. Default: the newest that both know.'),
    asks: z
      .boolean()
      .optional()
      .describe('It may put questions to people while a call is open. Default false; of a Deputy always.'),
    url_hosts: texts()
      .optional()
      .describe(
        'Hosts that its questions may send people to: login.example. Default: none, such questions are refused.',
      ),
    sampling: z
      .boolean()
      .optional()
      .describe("It may have the agent's model think for it, at the agent's cost. Default false."),
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
