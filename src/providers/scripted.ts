/**
 * `scripted/FILE`: a model that says what a file tells it to, for demos, tests and CI. No key, no network, no chance.
 *
 * A YAML or JSON file holds `replies`, one entry a turn:
 *
 *     replies:
 *       - thinking: I should look first.
 *         text: Let me look.
 *         calls:
 *           - { tool: files_list_directory, args: { path: docs } }
 *           - { tool: files_read_file, args: { path: README.md }, id: my-id }
 *       - text: "The folder holds: ${last}"
 *       - when: { last_user: report }          # answers whenever its words are there, before the ordered entries
 *         calls: [{ tool: editor, args: { message: "${user}" } }]
 *
 * | Field      | Meaning |
 * | `when`     | `last_user`, `last_tool_result`: words that must be contained; `turn`: a number. All given must hold. |
 * | `text`, `thinking` | What the model says, and thinks. |
 * | `calls`    | Tool calls side by side: `tool` (as the model sees it; `server/tool` is understood), `args`, `id`; `malformed` instead of `args` for arguments that are no JSON. |
 * | `stop`     | `refusal` or `length`; otherwise it follows from the calls. |
 * | `usage`    | Any of `inputTokens, outputTokens, cachedInputTokens, cacheWriteTokens, reasoningTokens, cost`; by default a token for four characters, at no cost. |
 * | `delay`    | Milliseconds before it answers. |
 * | `error`    | `kind` (unavailable, context_length, rejected, auth) and `message`: fails instead of answering. |
 *
 * In every text, arguments included, `${user}` is what the user said last, `${last}` the last tool result, and
 * `${results[0]}`, `${results[1]}` ... the results of the last turn in call order.
 *
 * A `.mjs`, `.js` or `.ts` file exports `default function reply({ turn, user, last, results, messages, tools, system })`
 * that returns (or promises) one entry, without `when`.
 *
 * Invariant: which entry answers follows from the request alone: `turn` is the number of assistant messages since the
 * user's last words. So a task that is recovered, or runs beside another, hears the same again.
 */
import { basename } from 'node:path';
import { ModelError, type Model, type ModelReply, type ModelRequest, type ToolCall } from '../agent/model.ts';
import { isJsonObject, type Json } from '../json.ts';
import type { ModelOptions } from './model-options.ts';
import { claimId, stopOf } from './reply.ts';
import { sleepUntil } from './retries.ts';
import { estimate } from './estimate.ts';
import { loadScript, type Entry, type Script } from './scripted-file.ts';
import { sceneOf, type Scene } from './scripted-scene.ts';

export function scriptedModel(options: ModelOptions): Model {
  const id = `scripted/${basename(options.model)}`;
  let script: Promise<Script> | undefined;

  async function generate(request: ModelRequest): Promise<ModelReply> {
    const { signal, onDelta } = request;
    signal.throwIfAborted();
    const scene = sceneOf(request);
    // A file that could not be read may be mended before the next request.
    script ??= loadScript(options.model).catch((error: unknown) => {
      script = undefined;
      throw error;
    });
    const entry = await orAbort(
      script.then((choose) => choose(scene)),
      signal,
    );
    if (entry.delay !== undefined) await sleepUntil(entry.delay, signal);
    if (entry.error) throw new ModelError(entry.error.kind, `${id}: ${entry.error.message}`);
    const reply = replyOf(entry, scene, request, id);
    if (onDelta !== undefined) {
      for (const block of reply.message.content) {
        if (block.type !== 'tool_call') await stream(block.text, signal, (text) => onDelta({ type: block.type, text }));
      }
    }
    return reply;
  }

  const { contextWindow } = options;
  return { id, contextWindow, generate };
}

function replyOf(entry: Entry, scene: Scene, request: ModelRequest, id: string): ModelReply {
  const content: ModelReply['message']['content'] = [];
  if (entry.thinking !== undefined) content.push({ type: 'thinking', text: fill(entry.thinking, scene) });
  if (entry.text !== undefined) content.push({ type: 'text', text: fill(entry.text, scene) });
  const taken = new Set<string>();
  entry.calls?.forEach((call, index) => {
    const callId = claimId(taken, call.id ?? `call_${scene.turn + 1}_${index + 1}`);
    const base: Omit<ToolCall, 'args'> = { type: 'tool_call', id: callId, name: toolName(call.tool, request) };
    if (call.malformed === undefined) content.push({ ...base, args: fillAll(call.args ?? {}, scene) });
    else content.push({ ...base, args: null, malformed: call.malformed });
  });
  return {
    message: { role: 'assistant', content },
    stop: entry.stop ?? stopOf(content, 'end'),
    usage: { cost: 0, ...estimate(request, content), ...entry.usage },
    model: id,
  };
}

/** Scripts may name a tool as people do, `files/read_file`; one that nobody has is called as it stands. */
function toolName(wanted: string, { tools }: ModelRequest): string {
  if (tools.some(({ name }) => name === wanted)) return wanted;
  const plain = (name: string): string => name.replace(/[^a-zA-Z0-9]+/g, '_');
  return tools.find(({ name }) => plain(name) === plain(wanted))?.name ?? wanted;
}

const fill = (template: string, { user, last, results }: Scene): string =>
  template.replace(/\$\{(?:(user)|(last)|results\[(\d+)\])\}/g, (_, isUser, isLast, index) =>
    isUser ? user : isLast ? last : (results[Number(index)]?.text ?? ''),
  );

function fillAll(value: Json, scene: Scene): Json {
  if (typeof value === 'string') return fill(value, scene);
  if (Array.isArray(value)) return value.map((item) => fillAll(item, scene));
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fillAll(item, scene)]));
}

/** Word by word, each in a turn of the event loop of its own, so that a watcher sees it grow. */
async function stream(text: string, signal: AbortSignal, tell: (piece: string) => void): Promise<void> {
  for (const piece of text.match(/\s*\S+\s*$|\s*\S+/g) ?? [text]) {
    tell(piece);
    await new Promise((resolve) => setImmediate(resolve));
    signal.throwIfAborted();
  }
}

/** A script may wait for what never comes; whoever aborts must not. */
function orAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
