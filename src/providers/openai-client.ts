/** What both of OpenAI's APIs share: the client, its key and address, and which models reason. */
import type OpenAI from 'openai';
import type { APIPromise } from 'openai';
import type { Stream as EventStream } from 'openai/core/streaming';
import { ModelError, type ModelReply, type ModelRequest } from '../agent/model.ts';
import { attempt, fetchReply, readJson, timeoutsFor, type Timeouts } from './attempt.ts';
import { idOf, mustStream, type ModelOptions } from './model-options.ts';
import { endpointName, type Endpoint } from './wire-error.ts';

type Sdk = { client: OpenAI; Stream: typeof EventStream };

export interface OpenAIEndpoint extends Endpoint {
  /** OpenAI's own service, which knows parameters that compatible ones refuse. */
  isOpenAI: boolean;
  limits: Timeouts;
  /** @throws ModelError where a key is needed and missing. */
  connect(): Promise<Sdk>;
}

export function openaiEndpoint(options: ModelOptions, timeouts?: Partial<Timeouts>): OpenAIEndpoint {
  // The environment's key and address belong together; a foreign base_url gets only the key that was given with it.
  const isOwn = options.baseUrl === undefined;
  const apiKey = options.apiKey ?? (isOwn ? process.env['OPENAI_API_KEY'] : undefined);
  const url = options.baseUrl ?? process.env['OPENAI_BASE_URL'] ?? 'https://api.openai.com/v1';
  const name = endpointName(idOf(options), url);
  const limits = timeoutsFor(url, timeouts);
  let sdk: Promise<Sdk> | undefined;
  return {
    name,
    secret: apiKey,
    keyVariable: 'OPENAI_API_KEY',
    isOpenAI: /(^|\.)openai\.com$/.test(URL.parse(url)?.hostname ?? ''),
    limits,
    connect() {
      if (apiKey === undefined && isOwn) {
        throw new ModelError('auth', `${name}: no key. Set OPENAI_API_KEY, or api_key at the model.`);
      }
      return (sdk ??= load(url, apiKey, options, limits.total));
    },
  };
}

/** Loaded at the first request: it takes 200 ms. Connections are kept alive for all clients alike. */
async function load(baseURL: string, apiKey: string | undefined, options: ModelOptions, timeout: number): Promise<Sdk> {
  const [{ default: Client }, { Stream }] = await Promise.all([import('openai'), import('openai/core/streaming')]);
  const client = new Client({
    baseURL,
    apiKey: apiKey ?? 'none',
    ...(options.baseUrl !== undefined && { organization: null, project: null }),
    defaultHeaders: apiKey === undefined ? { authorization: null, ...options.headers } : (options.headers ?? {}),
    fetch: fetchReply,
    maxRetries: 0,
    timeout,
    logLevel: 'off',
  });
  return { client, Stream };
}

/** What the two APIs differ in. */
export interface Exchange<Whole, Event> {
  create(client: OpenAI, stream: boolean, signal: AbortSignal): APIPromise<unknown>;
  /** A stream put together to what would have come in one piece. */
  assemble(events: AsyncIterable<Event>): Promise<Whole>;
  read(whole: Whole): ModelReply;
}

/** Asks once, in one piece or streamed. */
export function ask<Whole, Event>(
  endpoint: OpenAIEndpoint,
  options: ModelOptions,
  request: ModelRequest,
  exchange: Exchange<Whole, Event>,
): Promise<ModelReply> {
  const thinks = options.thinking === undefined ? isReasoning(options.model) : options.thinking !== 'off';
  const streamed = mustStream(request.onDelta !== undefined, thinks, options.maxTokens);
  const { limits: timeouts } = endpoint;
  return attempt(endpoint, { signal: request.signal, streamed, timeouts }, async ({ signal, watched }) => {
    const { client, Stream } = await endpoint.connect();
    const response = await exchange.create(client, streamed, signal).asResponse();
    if (!streamed) return exchange.read(await readJson<Whole>(response, endpoint));
    const stream = new AbortController();
    return exchange.read(await exchange.assemble(Stream.fromSSEResponse<Event>(watched(response), stream, client)));
  });
}

/** By name, as the vendor gives no other way; of names it does not know, none reasons. */
export const isReasoning = (model: string): boolean =>
  /^(o\d|gpt-[5-9]|gpt-\d\d|codex)/.test(bare(model)) && !/-chat\b/.test(model);

/** Routers write `openai/gpt-5`. */
const bare = (model: string): string => model.slice(model.lastIndexOf('/') + 1);

export function effortOf({
  thinking,
  model,
}: ModelOptions): 'none' | 'minimal' | 'low' | 'medium' | 'high' | undefined {
  if (thinking !== 'off') return thinking;
  // The first ones cannot be told not to reason at all.
  if (/^o\d/.test(bare(model))) return 'low';
  return /^gpt-5(-|$)/.test(bare(model)) ? 'minimal' : 'none';
}
