/** What an SDK, a server or the network throws, told as a `ModelError`: which kind, where, and how to mend it. */
import { ModelError, type ModelErrorKind } from '../agent/model.ts';
import { messageOf } from '../errors.ts';
import { UnknownModelError } from './fallback.ts';

export interface Endpoint {
  /** `provider/model at URL`, for people. */
  name: string;
  /** Never appears in a message, even where the server repeats it. */
  secret: string | undefined;
  /** The environment variable that may hold the key. */
  keyVariable: string;
}

/** Both vendors' SDKs throw errors of this shape; read by shape, so that no SDK is loaded to look at one. */
interface ApiError {
  status?: unknown;
  headers?: { get?: (name: string) => string | null } | undefined;
  /** The body: `{error: {...}}` at Anthropic, the inner object at OpenAI. */
  error?: unknown;
}

const longestServerText = 500;

export function endpointName(id: string, url: string): string {
  const parsed = URL.parse(url);
  // A query or user part may carry a key.
  return `${id} at ${parsed === null ? 'an invalid base_url' : parsed.origin + parsed.pathname.replace(/\/$/, '')}`;
}

export function toModelError(error: unknown, endpoint: Endpoint): ModelError {
  if (error instanceof ModelError) return error;
  const { status, headers, error: body } = error as ApiError;
  const code = typeof status === 'number' ? status : undefined;
  const detail = detailOf(body);
  const said = clean(detail.message ?? deepest(error), endpoint.secret);
  const isAnswered = code !== undefined || detail.message !== undefined;
  const kind = kindOf(code, detail.code, said);
  const message = `${endpoint.name}: ${code === undefined ? '' : `${code} `}${said}${mend(kind, isAnswered, endpoint)}`;
  if (kind === 'unknown_model') return new UnknownModelError(message, { cause: error });
  const retryAfterMs = code === undefined ? undefined : retryAfter((name) => headers?.get?.(name) ?? null);
  return new ModelError(kind, message, { cause: error, ...(retryAfterMs !== undefined && { retryAfterMs }) });
}

/** How a failure inside a stream is told: there is no status, only the server's own word. */
export function serverFault(endpoint: Endpoint, code: string | null | undefined, message: string): ModelError {
  const said = clean(`${code ?? 'error'}: ${message}`, endpoint.secret);
  const kind = kindOf(undefined, code ?? '', said);
  return kind === 'unknown_model'
    ? new UnknownModelError(`${endpoint.name}: ${said}`)
    : new ModelError(kind, `${endpoint.name}: ${said}`);
}

const tooLong =
  /context.?(length|window)|maximum context|prompt is too long|input is too long|too many (input |prompt )?tokens|exceeds? the (context|max)|reduce the length|request_too_large/i;
const unknownModel =
  /model.{0,80}(not found|does not exist|not exist|no longer supported|decommissioned)|unknown model|no such model|not a valid model/i;

function kindOf(status: number | undefined, code: string, said: string): ModelErrorKind | 'unknown_model' {
  // No money left is answered with 429 by some: waiting does not mend it, another provider does.
  if (/insufficient_quota|billing|credit balance/i.test(`${code} ${said}`)) return 'auth';
  if (status === 401 || status === 402 || status === 403) return 'auth';
  if (status === 404 || code === 'model_not_found') return 'unknown_model';
  if (status === 408 || status === 409 || status === 425 || status === 429) return 'unavailable';
  // Groq's word for "the model wrote a call that is none": the next sample may be right.
  if (code === 'tool_use_failed') return 'unavailable';
  if (status !== undefined && status >= 500) return 'unavailable';
  if (status === 413 || tooLong.test(`${code} ${said}`)) return 'context_length';
  if (/authentication_error|permission_error|invalid_api_key/.test(code)) return 'auth';
  if (status === undefined) return /invalid_request|invalid_prompt|not_found/.test(code) ? 'rejected' : 'unavailable';
  return unknownModel.test(said) ? 'unknown_model' : 'rejected';
}

function mend(kind: ModelErrorKind | 'unknown_model', isAnswered: boolean, endpoint: Endpoint): string {
  if (kind === 'auth') return `. Check api_key (or ${endpoint.keyVariable}).`;
  if (kind === 'unknown_model') return ". Check the model's name and base_url.";
  if (kind === 'unavailable' && !isAnswered) return '. Is it running, and is base_url right?';
  return '';
}

function detailOf(body: unknown): { code: string; message?: string } {
  const outer = record(body);
  const inner = record(outer['error']);
  const pick = (key: string): string | undefined =>
    [inner[key], outer[key]].find((value) => typeof value === 'string' && value !== '') as string | undefined;
  const message = pick('message') ?? (typeof outer['error'] === 'string' ? outer['error'] : undefined);
  return { code: pick('code') ?? pick('type') ?? '', ...(message !== undefined && { message }) };
}

const record = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};

/** fetch says "fetch failed" and keeps the reason in `cause`. */
function deepest(error: unknown): string {
  let reason = error;
  for (let depth = 0; depth < 5 && reason instanceof Error && reason.cause instanceof Error; depth++) {
    reason = reason.cause;
  }
  const code = record(reason)['code'];
  const message = messageOf(reason);
  return typeof code === 'string' && !message.includes(code) ? `${code} ${message}` : message;
}

/** Server text as one line: without markup (a proxy's error page), without the key, not longer than 500 characters. */
function clean(said: string, secret: string | undefined): string {
  let line = said.slice(0, 20_000);
  if (/<html|<!doctype|<body/i.test(line)) {
    line = line.replace(/<(script|style)\b[^]*?<\/\1>/gi, ' ').replace(/<[^>]*>/g, ' ');
  }
  line = line.replace(/\s+/g, ' ').trim();
  if (secret !== undefined && secret.length >= 4) line = line.replaceAll(secret, '[redacted]');
  return line.length > longestServerText ? `${line.slice(0, longestServerText)}…` : line;
}

/** RFC 9110 section 10.2.3: seconds or an HTTP date; `retry-after-ms` is OpenAI's and Azure's own. */
function retryAfter(header: (name: string) => string | null, now = Date.now()): number | undefined {
  const exact = Number.parseFloat(header('retry-after-ms') ?? '');
  if (exact >= 0) return exact;
  const value = header('retry-after')?.trim() ?? '';
  if (value === '') return undefined;
  if (/^\d+(\.\d+)?$/.test(value)) return Number(value) * 1000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}
