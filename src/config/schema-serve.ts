/** `serve`: what callers see, where, and who they are. */
import { z } from 'zod';
import { keyRules, otherKeys } from './other-keys.ts';
import { duration, number, textMap, texts } from './schema-values.ts';

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
    tasks_at_work: number(1, 1_000_000)
      .optional()
      .describe('Tasks at work at once, of all callers together; the others wait their turn, each caller in its own.'),
    working_tasks: number(1, 1_000_000)
      .optional()
      .describe(
        'Tasks that work at once, a caller; what waits for people is not counted. It ends agents that call each other in a circle. Default 1000.',
      ),
    starts_per_second: number(1, 100_000).optional().describe('Tasks that a caller may start a second. Default 20.'),
  })
  .register(keyRules, otherKeys.ownerLimits);

const webhook = z
  .strictObject({
    url: z.string().describe('Where the POST goes: https, or http on this machine.'),
    secret: z
      .string()
      .describe('What it is signed with: a reference such as "${env:HOOK_SECRET}", to 24 bytes or more.'),
  })
  .register(keyRules, otherKeys.webhook);

export const serveSchema = z
  .strictObject({
    expose: texts().optional().describe('The agents that callers see. Default: all.'),
    http: http.optional().describe('Where `deputy serve --http` listens.'),
    auth: serveAuth
      .optional()
      .describe('Who may call over HTTP, and how callers are told apart. Default: on this machine everybody, as one.'),
    limits: ownerLimits
      .optional()
      .describe(
        'What one caller may start. Default: with `auth` the defaults of its keys, else `working_tasks` alone.',
      ),
    webhooks: z
      .array(webhook)
      .optional()
      .describe('Who is told of every new question, by a signed POST (standardwebhooks.com).'),
    abandon_after: duration()
      .optional()
      .describe(
        'A task that an agent of another Deputy started is cancelled when nobody there has asked for it as long. Default 24h.',
      ),
    wait: duration()
      .optional()
      .describe('How long a call may wait before its caller gets a handle of the task instead. Default 45s.'),
  })
  .register(keyRules, otherKeys.serve);

export type OwnerLimitsEntry = z.output<typeof ownerLimits>;
