/**
 * Hands on what a server asks while a call of ours is open: questions to people, thinking to the agent's model.
 *
 * Invariants:
 *   1. Only what the operator allowed this server is handed on; everything else is refused, and says why in the log.
 *   2. At most so many are open and asked for one call as there may be (`questionBounds`); beyond that the call is ended.
 *   3. No time of the call passes while anything is open.
 *   4. Once closed, everything open is withdrawn, and nothing is handed on any more.
 */
import { specTypeSchemas } from '@modelcontextprotocol/client';
import { SamplingRefused, type ToolCallOptions } from '../agent/tool.ts';
import { sha256 } from '../hash.ts';
import type { JsonObject } from '../json.ts';
import type { Log } from '../log.ts';
import type { InputRequest, InputResponse } from '../task/question.ts';
import { askedByAgent, questionId } from './agent-question.ts';
import { isDeep } from './bounded-schema.ts';
import { readElicitation } from './elicitation.ts';
import { mayAskPeople, questionBounds, type ServerOptions } from './options.ts';

export interface Relay {
  /**
   * The answer of its kind (`ElicitResult`, `CreateMessageResult`).
   * @param key the question's name, the same after a restart
   * @throws Refusal
   */
  answer(key: string, request: Asked, signal: AbortSignal): Promise<JsonObject>;
  /** A name for a request that has none which would be the same after a restart. */
  nameOf(request: Asked): string;
  readonly isOver: boolean;
  close(): void;
}

/** A request of a server, as it came. */
export interface Asked {
  method: string;
  params: JsonObject;
}

/** Why a server gets no answer: to be told it as a JSON-RPC error. */
export class Refusal extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

const methodNotFound = -32_601;
const invalidParams = -32_602;
/** 2025-11-25, sampling, "Error Handling". */
const rejected = -1;

export interface RelayHooks {
  /** @returns how to let time pass again. */
  pause: () => () => void;
  /** It asks more than there may be: the call is to be ended. */
  onTooMuch: (why: string) => void;
}

export function openRelay(
  { options, log }: { options: ServerOptions; log: Log },
  { ask, sample }: Pick<ToolCallOptions, 'ask' | 'sample'>,
  { pause, onTooMuch }: RelayHooks,
): Relay {
  /** Most calls are asked nothing: then there is nothing to abort. */
  let closing: AbortController | undefined;
  let isOver = false;
  const names = new Map<string, number>();
  const most = questionBounds(options);
  let open = 0;
  let all = 0;

  const end = (why: string): void => {
    isOver = true;
    closing?.abort(new Error(why));
  };

  const admit = (): void => {
    all += 1;
    if (isOver) throw new Refusal(rejected, 'the call that this was asked for is over');
    const why =
      open >= most.open
        ? `it asked more than ${most.open} questions at once`
        : all > most.all
          ? `it asked more than ${most.all} questions`
          : undefined;
    if (why === undefined) return;
    onTooMuch(why);
    end(why);
    throw new Refusal(rejected, why);
  };

  const elicit = async (key: string, params: JsonObject, signal: AbortSignal): Promise<JsonObject> => {
    const read = readElicitation(params, options);
    if (read.kind === 'question') {
      const { deputy, name } = options;
      const request = deputy === true ? askedByAgent(name, read.request, params['_meta']) : read.request;
      return wireAnswer(request, await ask(key, request, signal));
    }
    log.warn(`refused a question: ${read.why}`);
    if (read.kind === 'malformed') throw new Refusal(invalidParams, read.why);
    return { action: 'decline' };
  };

  const think = async (params: JsonObject, signal: AbortSignal): Promise<JsonObject> => {
    const fault = samplingFault(params);
    if (fault !== undefined) throw new Refusal(invalidParams, fault);
    const { task: _task, _meta, ...wanted } = params;
    try {
      return await sample(wanted, signal);
    } catch (error) {
      if (error instanceof SamplingRefused) throw new Refusal(rejected, error.message);
      throw error;
    }
  };

  return {
    async answer(key, { method, params }, signal) {
      admit();
      const refusal = notOffered(options, method);
      if (refusal !== undefined) {
        log.warn(refusal);
        throw new Refusal(methodNotFound, refusal);
      }
      open += 1;
      const goOn = pause();
      closing ??= new AbortController();
      const ended = AbortSignal.any([signal, closing.signal]);
      try {
        return await (method === 'elicitation/create' ? elicit(key, params, ended) : think(params, ended));
      } catch (error) {
        // Withdrawn: nobody waits for this answer, or nobody will give one.
        if (!(error instanceof Refusal) && ended.aborted && method === 'elicitation/create')
          return { action: 'cancel' };
        throw error;
      } finally {
        open -= 1;
        goOn();
      }
    },
    nameOf({ method, params }) {
      const { _meta, task: _task, ...content } = params;
      const id = options.deputy === true ? questionId(_meta) : undefined;
      if (id !== undefined) return shortKey(`id ${id}`);
      const text = isDeep(content, deepest) ? 'deep' : JSON.stringify([method, content]);
      const name = sha256(text).slice(0, 16);
      const nth = (names.get(name) ?? 0) + 1;
      // As many as may be asked; what is over that is not asked anyway.
      if (names.size < most.all) names.set(name, nth);
      return nth === 1 ? name : `${name} ${nth}`;
    },
    get isOver() {
      return isOver;
    },
    close: () => end('the call is over'),
  };
}

/** Levels of what a server asks; messages of a conversation have a dozen. */
const deepest = 64;

function notOffered(options: ServerOptions, method: string): string | undefined {
  if (method === 'elicitation/create')
    return mayAskPeople(options)
      ? undefined
      : 'refused a question: this server may ask people nothing (asks: true allows it)';
  if (method === 'sampling/createMessage')
    return options.sampling === true
      ? undefined
      : 'refused: this server may not use the model (sampling: true allows it)';
  return `refused: nobody here answers ${method.slice(0, 100)}`;
}

function samplingFault(params: JsonObject): string | undefined {
  if (isDeep(params, deepest)) return `a conversation over ${deepest} levels deep`;
  const read = specTypeSchemas.CreateMessageRequestParams['~standard'].validate(params);
  const issue = read.issues?.[0];
  return issue === undefined ? undefined : `a conversation that is none: ${issue.message.slice(0, 200)}`;
}

/** To have agreed to open a page says nothing more: it has no content (elicitation, "Response Actions"). */
function wireAnswer({ kind }: InputRequest, response: InputResponse): JsonObject {
  switch (response.action) {
    case 'accept':
      return { action: 'accept', ...(kind === 'form' && { content: response.content }) };
    case 'decline':
      return { action: 'decline' };
    case 'cancel':
    case 'expired':
    case 'withdrawn':
      return { action: 'cancel' };
  }
}

/** A key of a server's as part of ours: bounded. */
export const shortKey = (key: string): string => (key.length <= 128 ? key : sha256(key).slice(0, 32));
