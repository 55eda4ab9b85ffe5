/**
 * A question of a task on the wire: the request that asks it, and the answer that came back. Which request a caller may
 * be sent is decided at the door, from what it declared: nothing undeclared is ever sent, not a kind, not a mode.
 */
import type { ClientCapabilities } from '@modelcontextprotocol/server';
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import type { InputRequest, InputResponse } from '../task/question.ts';
import type { Task } from '../task/task.ts';
import { questionMeta } from './question-meta.ts';

/** What a caller can be asked. */
export interface Askable {
  form: boolean;
  url: boolean;
  sampling: boolean;
  samplingTools: boolean;
  roots: boolean;
  /** Its protocol version has `mode`, titled choices as `oneOf`, and choices of several (from 2025-11-25 on). */
  richForms: boolean;
}

/** An empty `elicitation` means forms (2026-07-28 and 2025-11-25, elicitation, "Capabilities"). */
export function askableOf(declared: ClientCapabilities | undefined, protocolVersion: string): Askable {
  const { elicitation, sampling, roots } = declared ?? {};
  const richForms = protocolVersion >= '2025-11-25';
  return {
    form: elicitation !== undefined && (elicitation.form !== undefined || elicitation.url === undefined),
    url: elicitation?.url !== undefined && richForms,
    sampling: sampling !== undefined,
    samplingTools: sampling?.tools !== undefined,
    roots: roots !== undefined,
    richForms,
  };
}

export function canAsk(asks: Askable, request: InputRequest): boolean {
  switch (request.kind) {
    case 'form':
      return asks.form && (asks.richForms || !hasChoiceOfSeveral(request.schema));
    case 'url':
      return asks.url;
    case 'sampling':
      return asks.sampling && (asks.samplingTools || request.params['tools'] === undefined);
    case 'roots':
      return asks.roots;
  }
}

const methods = {
  form: 'elicitation/create',
  url: 'elicitation/create',
  sampling: 'sampling/createMessage',
  roots: 'roots/list',
} as const;

/** By which a question is asked. */
export const methodOf = ({ kind }: InputRequest) => methods[kind];

export interface WireRequest {
  method: (typeof methods)[InputRequest['kind']];
  params?: JsonObject;
}

/**
 * @param task that asks.
 * @param key of the question, on a wire that has none
 * @param wire `2026` has no `elicitationId`: what became of a URL is told from the task, not by a notification.
 */
export function wireRequest(
  task: Pick<Task, 'agent' | 'mandate'>,
  request: InputRequest,
  asks: Askable,
  wire: '2025' | '2026',
  key?: string,
): WireRequest {
  const { method, params } = bareRequest(request, asks, wire);
  const _meta = { ...(params?.['_meta'] as JsonObject | undefined), ...questionMeta(task, request, key) };
  if (Object.keys(_meta).length === 0) return { method, ...(params !== undefined && { params }) };
  return { method, params: { ...params, _meta } };
}

function bareRequest(request: InputRequest, asks: Askable, wire: '2025' | '2026'): WireRequest {
  switch (request.kind) {
    case 'form': {
      const { message, schema } = request;
      return {
        method: 'elicitation/create',
        params: asks.richForms
          ? { mode: 'form', message, requestedSchema: schema }
          : { message, requestedSchema: plainForm(schema) },
      };
    }
    case 'url': {
      const { message, url, elicitationId } = request;
      const params = { mode: 'url', message, url, ...(wire === '2025' && { elicitationId }) };
      return { method: 'elicitation/create', params };
    }
    case 'sampling':
      return { method: 'sampling/createMessage', params: request.params };
    case 'roots':
      return wire === '2025' ? { method: 'roots/list' } : { method: 'roots/list', params: {} };
  }
}

/** Undefined where `answer` is no result of the request that was asked. Whether it fits the form, the engine says. */
export function inputResponse(request: InputRequest, answer: unknown): InputResponse | undefined {
  if (!isJsonObject(answer)) return undefined;
  if (request.kind === 'sampling')
    return isJsonObject(answer['content']) || Array.isArray(answer['content']) ? accepted(answer) : undefined;
  if (request.kind === 'roots') return Array.isArray(answer['roots']) ? accepted(answer) : undefined;
  const { action, content } = answer;
  if (action === 'accept') {
    return content === undefined || isJsonObject(content) ? accepted(content ?? {}) : undefined;
  }
  // Hosts without a person decline by themselves: that decides nothing that somebody must decide.
  if (action === 'decline' && request.kind === 'form' && request.mustDecide === true) return { action: 'cancel' };
  return action === 'decline' || action === 'cancel' ? { action } : undefined;
}

const accepted = (content: JsonObject): InputResponse => ({ action: 'accept', content });

const fieldsOf = (schema: JsonObject): [string, Json][] => {
  const { properties } = schema;
  return isJsonObject(properties) ? Object.entries(properties) : [];
};

const hasChoiceOfSeveral = (schema: JsonObject): boolean =>
  fieldsOf(schema).some(([, field]) => isJsonObject(field) && field['type'] === 'array');

/** As 2025-06-18 has it: titled choices are `enum` beside `enumNames`, and only booleans have a default. */
const plainForm = (schema: JsonObject): JsonObject => ({
  ...schema,
  properties: Object.fromEntries(fieldsOf(schema).map(([name, field]) => [name, plainField(field)])),
});

function plainField(field: Json): Json {
  if (!isJsonObject(field)) return field;
  const { oneOf, default: preset, ...plain } = field;
  if (preset !== undefined && field['type'] === 'boolean') plain['default'] = preset;
  if (!Array.isArray(oneOf)) return plain;
  const choices = oneOf.filter(isJsonObject);
  return {
    ...plain,
    enum: choices.map((choice) => choice['const'] ?? null),
    enumNames: choices.map((choice) => choice['title'] ?? choice['const'] ?? null),
  };
}
