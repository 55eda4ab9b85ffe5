/** Reads a script and checks it; every fault is a `ModelError` that names the file and the place. */
import { readFile, stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ModelError, type ModelErrorKind, type ModelReply } from '../agent/model.ts';
import { messageOf } from '../errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import type { Usage } from '../task/usage.ts';
import type { Scene } from './scripted-scene.ts';

export interface Entry {
  when?: { last_user?: string; last_tool_result?: string; turn?: number };
  text?: string;
  thinking?: string;
  calls?: { tool: string; args?: Json; malformed?: string; id?: string }[];
  stop?: ModelReply['stop'];
  usage?: Partial<Usage>;
  delay?: number;
  error?: { kind: ModelErrorKind; message: string };
}

/** @throws ModelError no reply for this scene, or a wrong one. */
export type Script = (scene: Scene) => Entry | Promise<Entry>;

const scriptError = (place: string, fault: string, cause?: unknown): ModelError =>
  new ModelError('rejected', `script ${place}: ${fault}`, { cause });

export async function loadScript(file: string): Promise<Script> {
  const extension = extname(file);
  if (/^\.(mjs|js|ts|mts)$/.test(extension)) return moduleScript(file);
  if (/^\.(ya?ml|json)$/.test(extension)) return listScript(file);
  throw scriptError(file, 'is neither YAML or JSON (.yaml, .yml, .json) nor a module (.mjs, .js, .ts)');
}

async function moduleScript(file: string): Promise<Script> {
  let loaded: { default?: unknown };
  try {
    loaded = (await import(await addressOf(file))) as { default?: unknown };
  } catch (error) {
    throw scriptError(file, `cannot be loaded: ${messageOf(error)}`, error);
  }
  const { default: reply } = loaded;
  if (typeof reply !== 'function') throw scriptError(file, 'must have a function as its default export');
  return async (scene) => {
    let value: unknown;
    try {
      value = await (reply as (scene: Scene) => unknown)(scene);
    } catch (error) {
      if (error instanceof ModelError) throw error;
      throw scriptError(lineOf(error, file), `reply() threw: ${messageOf(error)}`, error);
    }
    if (value === undefined || value === null) {
      throw scriptError(file, `reply() returned nothing at turn ${scene.turn} (user: ${quote(scene.user)})`);
    }
    return checked(value, (path, fault) => scriptError(file, `what reply() returned${path && ` at ${path}`} ${fault}`));
  };
}

const firstSeen = new Map<string, number>();

/** Node reads a module once; a file that changed since gets another address, so that it is read again. */
async function addressOf(file: string): Promise<string> {
  const { mtimeMs } = await stat(file);
  const first = firstSeen.get(file) ?? mtimeMs;
  firstSeen.set(file, first);
  const { href } = pathToFileURL(file);
  return first === mtimeMs ? href : `${href}?at=${mtimeMs}`;
}

/** The first place in `file` where the error came from, as `file:line:column`. */
function lineOf(error: unknown, file: string): string {
  const frame = error instanceof Error ? error.stack?.split('\n').find((line) => line.includes(file)) : undefined;
  const at = frame?.match(/(?:\?at=[\d.]+)?:(\d+):(\d+)\)?$/);
  return at ? `${file}:${at[1]}:${at[2]}` : file;
}

async function listScript(file: string): Promise<Script> {
  let source: string;
  try {
    source = await readFile(file, 'utf8');
  } catch (error) {
    throw scriptError(file, `cannot be read: ${messageOf(error)}`, error);
  }
  const { LineCounter, parseDocument, isNode } = await import('yaml');
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines, prettyErrors: false });
  const place = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  const [fault] = document.errors;
  if (fault) throw scriptError(place(fault.pos[0]), fault.message, fault);
  const fail = (path: string, message: string): ModelError => {
    const keys = path.match(/[^.[\]]+/g) ?? [];
    // The nearest part of the path that is written down.
    for (let depth = keys.length; depth >= 0; depth--) {
      const node = depth === 0 ? document.contents : document.getIn(keys.slice(0, depth), true);
      if (isNode(node) && node.range) return scriptError(place(node.range[0]), `${path || 'the file'} ${message}`);
    }
    return scriptError(file, `${path} ${message}`);
  };
  const entries = checkedList(document.toJS() as unknown, fail);
  return (scene) => {
    const ordered = entries.filter(({ when }) => when === undefined);
    const entry = entries.find(({ when }) => when && holds(when, scene)) ?? ordered[scene.turn];
    if (entry) return entry;
    const have = `${ordered.length} ${ordered.length === 1 ? 'reply' : 'replies'} in order`;
    throw scriptError(file, `no reply for turn ${scene.turn + 1} (${have}; user: ${quote(scene.user)})`);
  };
}

const quote = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);

const holds = (when: NonNullable<Entry['when']>, scene: Scene): boolean =>
  (when.turn === undefined || when.turn === scene.turn) &&
  (when.last_user === undefined || scene.user.includes(when.last_user)) &&
  (when.last_tool_result === undefined || scene.results.some(({ text }) => text.includes(when.last_tool_result ?? '')));

// --- shape -----------------------------------------------------------------------------------------------------

type Fail = (path: string, fault: string) => ModelError;

function checkedList(value: unknown, fail: Fail): Entry[] {
  if (!isJsonObject(value)) throw fail('', 'must be a mapping with `replies`');
  onlyKeys(value, '', ['replies'], fail);
  const { replies } = value as { replies?: unknown };
  if (!Array.isArray(replies) || replies.length === 0) throw fail('replies', 'must be a list of at least one reply');
  return replies.map((entry, index) =>
    checked(entry, (path, fault) => fail(`replies[${index}]${path && `.${path}`}`, fault)),
  );
}

type Kind = 'text' | 'number' | 'mapping' | 'list';
const fields: Record<keyof Entry, Kind> = {
  when: 'mapping',
  text: 'text',
  thinking: 'text',
  calls: 'list',
  stop: 'text',
  usage: 'mapping',
  delay: 'number',
  error: 'mapping',
};
const stops = ['end', 'tool_calls', 'length', 'refusal'];
const kinds = ['unavailable', 'context_length', 'rejected', 'auth'];
const counts = ['inputTokens', 'outputTokens', 'cachedInputTokens', 'cacheWriteTokens', 'reasoningTokens', 'cost'];

function checked(value: unknown, fail: Fail): Entry {
  if (typeof value === 'string') return { text: value };
  if (!isJsonObject(value)) throw fail('', 'must be text or a mapping with text, calls, ...');
  onlyKeys(value, '', Object.keys(fields), fail);
  for (const [key, kind] of Object.entries(fields)) isKind(value[key], key, kind, fail);
  const entry = value as Entry & JsonObject;
  if (entry.stop !== undefined && !stops.includes(entry.stop)) throw fail('stop', `must be one of ${stops.join(', ')}`);
  for (const [key, count] of Object.entries(entry.usage ?? {})) {
    if (!counts.includes(key)) throw fail(`usage.${key}`, `is unknown; known are ${counts.join(', ')}`);
    if (count !== null) isKind(count, `usage.${key}`, 'number', fail);
  }
  for (const [key, condition] of Object.entries(entry.when ?? {})) {
    if (key !== 'last_user' && key !== 'last_tool_result' && key !== 'turn') {
      throw fail(`when.${key}`, 'is unknown; known are last_user, last_tool_result, turn');
    }
    isKind(condition, `when.${key}`, key === 'turn' ? 'number' : 'text', fail);
  }
  if (entry.error !== undefined) {
    if (!kinds.includes(entry.error.kind)) throw fail('error.kind', `must be one of ${kinds.join(', ')}`);
    isKind(entry.error.message ?? null, 'error.message', 'text', fail);
  }
  entry.calls?.forEach((call: unknown, index) => {
    const path = `calls[${index}]`;
    if (!isJsonObject(call)) throw fail(path, 'must be a mapping with `tool`');
    onlyKeys(call, path, ['tool', 'args', 'malformed', 'id'], fail);
    isKind(call['tool'] ?? null, `${path}.tool`, 'text', fail);
    isKind(call['id'], `${path}.id`, 'text', fail);
    isKind(call['malformed'], `${path}.malformed`, 'text', fail);
  });
  return entry;
}

function onlyKeys(value: JsonObject, path: string, known: string[], fail: Fail): void {
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown !== undefined) {
    throw fail(path === '' ? unknown : `${path}.${unknown}`, `is unknown; known are ${known.join(', ')}`);
  }
}

function isKind(value: unknown, path: string, kind: Kind, fail: Fail): void {
  if (value === undefined) return;
  const fits =
    kind === 'text'
      ? typeof value === 'string'
      : kind === 'number'
        ? typeof value === 'number' && value >= 0
        : kind === 'list'
          ? Array.isArray(value)
          : isJsonObject(value);
  if (!fits)
    throw fail(
      path,
      kind === 'number' ? 'must be a number, not below 0' : `must be a ${kind}`.replace('a text', 'text'),
    );
}
