/**
 * What a task of another server waits for, asked here as it comes and answered there as it is answered: each by itself,
 * in whatever order. What is no longer asked there is withdrawn here.
 *
 * 2026: the questions stand in the task, and `tasks/update` answers them. 2025: the server asks on the stream of
 * `tasks/result`, which has to be opened for that (seam 6 of the protocol notes), and `reception.ts` finds the way here
 * by the task that its requests name.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ToolCallOptions, ToolOutcome } from '../agent/tool.ts';
import { sha256 } from '../hash.ts';
import { isJsonObject, type Json } from '../json.ts';
import { answerTask, askAbout, look } from './ask-task.ts';
import { safeText } from './call-fault.ts';
import { keptQuestions } from './kept-questions.ts';
import { questionBounds } from './options.ts';
import { failure } from './outcome.ts';
import { type Asked, openRelay, Refusal, type Relay, type RelayHooks, shortKey } from './relay.ts';
import type { RemoteCall } from './remote-call.ts';
import type { RemoteTask } from './remote-task.ts';
import { noTimeout } from './sdk-seams.ts';
import type { Server } from './server.ts';

export interface TaskQuestions {
  /** The task as it was seen last. */
  seen(task: RemoteTask, era: 'legacy' | 'modern' | undefined): void;
  /** What ended the call meanwhile: its result, where the stream brought it, or why it cannot go on. */
  readonly end: { outcome: ToolOutcome; isOver: boolean } | undefined;
  close(): void;
}

interface Hooks extends Pick<RelayHooks, 'pause'> {
  /** `end` is there, or the task should be looked at again. */
  onNews: () => void;
}

export function openTaskQuestions(
  server: Server,
  call: RemoteCall,
  id: string,
  options: Pick<ToolCallOptions, 'ask' | 'sample'>,
  { pause, onNews }: Hooks,
): TaskQuestions {
  const closing = new AbortController();
  const { signal } = closing;
  const open = new Map<string, AbortController>();
  const answered = new Set<string>();
  let end: TaskQuestions['end'];
  let isListening = false;

  const stop = (outcome: ToolOutcome, isOver: boolean): void => {
    end ??= { outcome, isOver };
    onNews();
  };
  const fail = (why: string): void =>
    stop(failure(`${call.id} asks for something before it goes on: ${safeText(server)(why)}`), false);
  const askFor = namedFor(openRelay(server, options, { pause, onTooMuch: fail }), id);
  const kept = server.options.deputy === true ? keptQuestions(server, askFor) : undefined;
  const endRelay = server.askers.task(id, kept ?? askFor);

  const relayOne = async (key: string, request: Asked, stop: AbortController): Promise<void> => {
    const ended = AbortSignal.any([signal, stop.signal]);
    try {
      const response = await askFor.answer(shortKey(key), request, ended);
      // Withdrawn: there is nobody to tell.
      if (ended.aborted) return;
      for (;;) {
        const told = await answerTask(server, id, key, response, ended);
        if (told.kind === 'refused') fail(`its server did not take the answer: ${told.why}`);
        // "Invalid params" is what both a lost task and an unwelcome answer are refused with.
        if (told.kind === 'lost' && (await look(server, id, ended)).kind === 'task')
          fail('its server did not take the answer');
        if (told.kind !== 'silent') break;
        await sleep(server.timings.poll, undefined, { signal: ended });
      }
      answered.add(key);
      onNews();
    } catch (error) {
      if (ended.aborted) return;
      fail(error instanceof Refusal ? error.message : 'it could not be handed on');
      server.log.warn({ error }, 'a question could not be handed on');
    } finally {
      open.delete(key);
    }
  };

  const seenIn2026 = ({ status, asked = {} }: RemoteTask): void => {
    const now = status === 'input_required' ? asked : {};
    for (const [key, stop] of open) if (!Object.hasOwn(now, key)) stop.abort(new Error('it is no longer asked'));
    for (const key of answered) if (!Object.hasOwn(now, key)) answered.delete(key);
    const keys = Object.keys(now);
    const most = questionBounds(server.options).open;
    if (keys.length > most) return fail(`it asks ${keys.length} questions at once, over the ${most} there may be`);
    for (const key of keys) {
      if (open.has(key) || answered.has(key)) continue;
      const request = requestOf(now[key]);
      if (request === undefined) return fail('one of its questions is no request');
      const stop = new AbortController();
      open.set(key, stop);
      void relayOne(key, request, stop);
    }
  };

  /** It stays open as long as the call does; where it broke, the next look that finds the task waiting opens it again. */
  const listen = async (): Promise<void> => {
    if (isListening) return;
    isListening = true;
    try {
      const answer = await askAbout(server, 'tasks/result', id, signal, noTimeout);
      if (answer.kind === 'answer') stop(call.read(answer.answer), true);
      if (answer.kind === 'refused') stop(failure(`${call.id} failed: ${answer.why}`), true);
      if (answer.kind === 'silent') {
        // Its server may be gone, which nothing else would tell.
        await sleep(server.timings.poll, undefined, { signal });
        onNews();
      }
    } catch {
      // Closed.
    } finally {
      isListening = false;
    }
  };

  return {
    seen(task, era) {
      if (era === 'modern') seenIn2026(task);
      if (era !== 'legacy') return;
      kept?.seen(task.status === 'input_required');
      if (task.status === 'input_required') void listen();
    },
    get end() {
      return end;
    },
    close() {
      closing.abort(new Error('the call is over'));
      endRelay();
      askFor.close();
    },
  };
}

/** Another task of the same call may use the same keys. */
function namedFor(relay: Relay, task: string): Relay {
  const name = sha256(task).slice(0, 16);
  return {
    answer: (key, request, signal) => relay.answer(`task ${name}: ${key}`, request, signal),
    nameOf: (request) => relay.nameOf(request),
    get isOver() {
      return relay.isOver;
    },
    close: () => relay.close(),
  };
}

function requestOf(request: Json | undefined): Asked | undefined {
  if (!isJsonObject(request) || typeof request['method'] !== 'string') return undefined;
  const params: Json = request['params'] ?? {};
  return isJsonObject(params) ? { method: request['method'], params } : undefined;
}
