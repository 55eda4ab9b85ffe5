/**
 * Tells other programs that a task waits for a person: a signed POST for every new question.
 *
 * Invariants: each question is announced once, and tried again until it was taken, is open no more, or the tries are
 * used up; its `webhook-id` is the same in every try. Nothing here holds a task up, and nothing outlives `close`.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../errors.ts';
import { type Log, redacted } from '../log.ts';
import type { TaskEvent } from '../task/event.ts';
import type { InputRequest } from '../task/question.ts';
import { isTerminal, type Task } from '../task/task.ts';
import type { WebhookOptions } from './options.ts';
import { signed } from './sign.ts';

export interface Webhooks {
  /** Fed with every event of every task. */
  observe(event: TaskEvent): void;
  close(): Promise<void>;
}

export interface WebhookPorts {
  log: Log;
  /** Milliseconds between the tries. Default: 5 s, 1 min, 5 min, 30 min. */
  pauses?: readonly number[];
  /** Milliseconds a try may take. Default 10 s. */
  timeoutMs?: number;
}

/** Announcements that wait for a receiver; more are dropped, and said so: the questions stay where they are. */
const mostWaiting = 1_000;

export function webhooks(
  receivers: readonly WebhookOptions[],
  { log, pauses = [5_000, 60_000, 300_000, 1_800_000], timeoutMs = 10_000 }: WebhookPorts,
): Webhooks {
  const closing = new AbortController();
  const sending = new Set<Promise<void>>();
  /** By task: what aborts when its question is open no more. */
  const open = new Map<string, Map<string, AbortController>>();

  const send = async ({ url, secret }: WebhookOptions, id: string, body: string, moot: AbortSignal): Promise<void> => {
    const stop = AbortSignal.any([closing.signal, moot]);
    for (const pause of [0, ...pauses]) {
      if (pause > 0) await sleep(pause, undefined, { signal: stop, ref: false }).catch(() => undefined);
      if (stop.aborted) return;
      const fault = await post(url, { ...signed(secret, id, Date.now(), body) }, body, timeoutMs, stop);
      if (fault === undefined || stop.aborted) return;
      log.warn({ webhook: new URL(url).origin, id, fault }, 'a question could not be announced');
    }
  };

  const announce = (task: Task, key: string, request: InputRequest, moot: AbortSignal): void => {
    const body = redacted(JSON.stringify(announcement(task, key, request)));
    for (const receiver of receivers) {
      if (sending.size >= mostWaiting) {
        log.error({ task: task.id }, 'too many announcements wait: this one is dropped');
        return;
      }
      const sent = send(receiver, `${task.id}.${key}`, body, moot).finally(() => sending.delete(sent));
      sending.add(sent);
    }
  };

  return {
    observe(event) {
      if (event.type !== 'status') return;
      const { task } = event;
      const asked = task.status === 'input_required' ? task.inputRequests : {};
      const known = open.get(task.id) ?? new Map<string, AbortController>();
      for (const [key, moot] of known) {
        if (key in asked) continue;
        moot.abort();
        known.delete(key);
      }
      for (const [key, request] of Object.entries(asked)) {
        if (known.has(key)) continue;
        const moot = new AbortController();
        known.set(key, moot);
        announce(task, key, request, moot.signal);
      }
      if (known.size === 0 || isTerminal(task)) open.delete(task.id);
      else open.set(task.id, known);
    },
    async close() {
      closing.abort();
      await Promise.allSettled(sending);
    },
  };
}

/** What a receiver reads. The arguments of a call are in the message, cut; whole they are where it is answered. */
function announcement(task: Task, key: string, request: InputRequest): object {
  const approval = request.kind === 'form' ? request.approval : undefined;
  return {
    type: 'input_required',
    timestamp: new Date(task.updatedAt).toISOString(),
    data: {
      task: task.id,
      agent: task.agent,
      owner: task.owner,
      key,
      kind: request.kind,
      ...('message' in request && { message: request.message }),
      ...(approval !== undefined && {
        approval: {
          hash: approval.hash,
          chain: approval.chain,
          tool: approval.tool,
          effect: approval.effect,
          rule: approval.rule,
        },
      }),
    },
  };
}

/** @returns what went wrong; undefined when it was taken. */
async function post(
  url: string,
  headers: Record<string, string>,
  body: string,
  timeoutMs: number,
  stop: AbortSignal,
): Promise<string | undefined> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
      // A signed announcement goes where the operator said, and nowhere else.
      redirect: 'error',
      signal: AbortSignal.any([stop, AbortSignal.timeout(timeoutMs)]),
    });
    await response.body?.cancel();
    return response.ok ? undefined : `HTTP ${response.status}`;
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    return cause === undefined ? messageOf(error) : messageOf(cause);
  }
}
