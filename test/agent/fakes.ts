/** Small real parts for the loop: a model that says what it is told, tools that the test settles, contexts that record. */
import type { Agent } from '../../src/agent/agent.ts';
import { defaultLimits, type Limits } from '../../src/agent/limits.ts';
import type { Message, Model, ModelReply, ModelRequest, ToolCall } from '../../src/agent/model.ts';
import type { Policy } from '../../src/agent/policy.ts';
import type { EffectTool, ToolCallOptions, ToolOutcome } from '../../src/agent/tool.ts';
import type { Json, JsonObject } from '../../src/json.ts';
import { text } from '../../src/task/content.ts';
import type { AuditNote } from '../../src/task/audit.ts';
import type { Commit, TaskContext } from '../../src/task/engine.ts';
import type { ProgressEvent } from '../../src/task/event.ts';
import type { InputRequest, InputResponse, Sent } from '../../src/task/question.ts';
import type { StepRecord } from '../../src/task/task.ts';
import { noUsage, type Usage } from '../../src/task/usage.ts';

export const usage = (inputTokens = 10, outputTokens = 5, cost: number | null = 0.01): Usage => ({
  ...noUsage,
  inputTokens,
  outputTokens,
  cost,
});

export const says = (words: string, reply: Partial<ModelReply> = {}): ModelReply => ({
  message: { role: 'assistant', content: words === '' ? [] : [text(words)] },
  stop: 'end',
  usage: usage(),
  model: 'fake/model',
  ...reply,
});

type Asked = [name: string, args?: Json] | Partial<ToolCall>;
export const calls = (asked: Asked[], reply: Partial<ModelReply> = {}): ModelReply => ({
  ...says(''),
  message: {
    role: 'assistant',
    content: asked.map((ask, index) => ({
      type: 'tool_call' as const,
      id: `c${index + 1}`,
      name: '',
      args: {},
      ...(Array.isArray(ask) ? { name: ask[0], args: ask[1] ?? {} } : ask),
    })),
  },
  stop: 'tool_calls',
  ...reply,
});

type Line = ModelReply | Error | ((request: ModelRequest) => ModelReply | Promise<ModelReply>);

/** Says its lines in order. `asked` holds what it was shown, copied at that moment. */
export function fakeModel(lines: readonly Line[], contextWindow?: number): Model & { asked: ModelRequest[] } {
  const asked: ModelRequest[] = [];
  return {
    id: 'fake/model',
    contextWindow,
    asked,
    generate: async (request) => {
      const line = lines[asked.length];
      asked.push({ ...request, messages: structuredClone(request.messages) });
      if (line === undefined) throw new Error(`the script has no line ${asked.length}`);
      if (line instanceof Error) throw line;
      return typeof line === 'function' ? line(request) : line;
    },
  };
}

/** Lines by what was said before, so that the same question gets the same answer after a crash. */
export function modelByTurn(lines: readonly ModelReply[], contextWindow?: number): Model {
  return {
    id: 'fake/model',
    contextWindow,
    generate: async ({ messages }) => {
      const turn = messages.filter(({ role }) => role === 'assistant').length;
      return lines[turn] ?? says('no more lines');
    },
  };
}

export const ok = (words: string): ToolOutcome => ({ content: [text(words)], isError: false });

export function fakeTool(
  name: string,
  call: (args: JsonObject, options: ToolCallOptions) => Promise<ToolOutcome> = async (args) => ok(JSON.stringify(args)),
): EffectTool {
  return {
    kind: 'effect',
    id: `server/${name}`,
    name,
    description: name,
    inputSchema: { type: 'object' },
    effect: 'unsafe',
    pin: `pin of ${name}`,
    check: (args) =>
      typeof args === 'object' && args !== null && 'wrong' in args ? 'wrong must not be there' : undefined,
    call,
  };
}

/** Everything is allowed, so that what is not about permissions need not name them. */
export const allowAll: Policy = { version: 'fake', judge: () => ({ decision: 'allow', rule: 'test: allow all' }) };

type Parts = Partial<Omit<Agent, 'limits' | 'tools'>> & { limits?: Partial<Limits>; tools?: EffectTool[] };
export const fakeAgent = ({ limits, tools = [], ...parts }: Parts): Agent => ({
  name: 'agent',
  description: 'an agent',
  instructions: 'Be brief.',
  model: fakeModel([]),
  policy: allowAll,
  hooks: {},
  mayAskPeople: false,
  agents: [],
  ...parts,
  limits: { ...defaultLimits, ...limits },
  tools: () => Promise.resolve(tools),
});

export const sent = (seq: number, words: string): Sent => ({
  seq,
  text: words,
  by: { owner: 'ann', channel: 'cli' },
  at: seq,
});

export const asks = (words: string): Message[] => [{ role: 'user', content: [text(words)] }];

export class Crash extends Error {}

export interface Rehearsal {
  context: TaskContext;
  records: StepRecord[];
  events: (ProgressEvent & { path: string })[];
  /** Branch paths, in the order of their opening. */
  opened: string[];
  abort: AbortController;
  notes: AuditNote[];
  /** What people have sent to the task: tests add to it. */
  inbox: Sent[];
  /** By key; time does not pass. */
  sleeps: { key: string; ms: number; why: string }[];
  /** By id, which is where it was kept. */
  artifacts: Map<string, string>;
}

/** The person at the other end, who sees the question's key as well. */
type Person = (key: string, request: InputRequest) => InputResponse;
const nobody: Person = () => {
  throw new Error('nobody is there to answer');
};

const uncommitted: Commit = Object.assign(() => Promise.resolve(), { reference: () => Promise.resolve() });

/**
 * A context that keeps its records in memory, replays those that it is given, and crashes for good instead of making
 * record number `crashAt` + 1. Its values go through JSON, as those of a store do.
 */
export function rehearsal(
  given: readonly StepRecord[] = [],
  crashAt = Infinity,
  clock = () => Date.now(),
  person = nobody,
): Rehearsal {
  const records = [...given];
  const byKey = new Map(records.map((record) => [record.key, record]));
  const events: Rehearsal['events'] = [];
  const opened: string[] = [];
  const notes: AuditNote[] = [];
  const inbox: Sent[] = [];
  const sleeps: Rehearsal['sleeps'] = [];
  const artifacts = new Map<string, string>();
  const abort = new AbortController();
  let crashed = false;
  const alive = (): void => {
    abort.signal.throwIfAborted();
    if (crashed) throw new Crash();
  };
  const answered = async (key: string, request: InputRequest): Promise<InputResponse> => person(key, request);
  const contextAt = (path: string, startedAt: number): TaskContext => {
    let now = startedAt;
    const keyOf = (name: string): string => (path === '' ? name : `${path}/${name}`);
    return {
      task: 't',
      owner: 'ann',
      path,
      signal: abort.signal,
      hasListeners: false,
      inbox,
      waited: 0,
      get now() {
        return now;
      },
      unfinished: () => undefined,
      requestInput: (name, request) => answered(keyOf(name), request),
      relay: (step, name, request) => answered(`${keyOf(step)}/${name}`, request),
      withdraw: () => Promise.resolve(),
      sleep: async (name, ms, why) => {
        alive();
        sleeps.push({ key: keyOf(name), ms, why });
      },
      keep: async (name, whole) => {
        artifacts.set(keyOf(name), whole);
        return keyOf(name);
      },
      kept: async (id, { offset, length }) => {
        const whole = artifacts.get(id);
        return whole === undefined ? undefined : { text: whole.slice(offset, offset + length), total: whole.length };
      },
      note: (note) => notes.push(note),
      previous: () => Promise.resolve([]),
      async step<T>(name: string, effect: Parameters<TaskContext['step']>[1]): Promise<T> {
        alive();
        const key = keyOf(name);
        let record = byKey.get(key);
        if (record === undefined) {
          const value = (await effect(abort.signal, uncommitted)) as Json;
          if (records.length >= crashAt) crashed = true;
          alive();
          if (byKey.has(key)) throw new Error(`the key ${key} is used twice`);
          record = { key, value: JSON.parse(JSON.stringify(value)) as Json, at: clock() };
          byKey.set(key, record);
          records.push(record);
        }
        now = Math.max(now, record.at);
        return structuredClone(record.value) as T;
      },
      async branch(key, body) {
        alive();
        opened.push(keyOf(key));
        const branch = contextAt(keyOf(key), now);
        const value = await body(branch);
        now = Math.max(now, branch.now);
        return value;
      },
      emit: (event) => events.push({ ...event, path }),
    };
  };
  return { context: contextAt('', 0), records, events, opened, abort, notes, inbox, sleeps, artifacts };
}
