/** What `agents.yaml` and its neighbours come to, once read, checked and resolved. Plain values; nothing here is unchecked. */
import type { HookPlace } from '../agent/hooks.ts';
import type { PlanStep } from '../agent/plan.ts';
import type { EffectClass } from '../task/effect.ts';
import type { JsonObject } from '../json.ts';
import type { AgentPolicy } from './permissions.ts';

export interface Config {
  /** Absolute path of the file that was read first. */
  file: string;
  /** Its folder: relative paths, stdio servers and the store start here. */
  root: string;
  /** In the order of their declaration. */
  agents: AgentConfig[];
  servers: ServerConfig[];
  serve: ServeConfig;
  store: StoreConfig;
  /** Absolute path of the file that pins the tools' definitions: `deputy.lock` beside `file`. */
  lockFile: string;
  /** The source of this configuration, from which `loadSnapshot` makes it again; put together when first read. */
  readonly snapshot: Snapshot;
}

export interface Snapshot {
  /** sha256 of the text, in hex. */
  hash: string;
  /** JSON. References are not resolved in it, so that it holds no secrets. */
  text: string;
}

export interface AgentConfig {
  name: string;
  description: string;
  /** Empty where none are written. */
  instructions: string;
  /** How it thinks. */
  model: ModelConfig | ClientModel | PlannedModel;
  tools: ToolGlobs;
  /** Names of agents that it has as tools. */
  agents: string[];
  /** It has the tool `ask_person`. */
  mayAskPeople: boolean;
  policy: AgentPolicy;
  /** At each place those of the file, then its own, in the order of their declaration. */
  hooks: HookConfig[];
  /** How many of its tasks may be at work at once. */
  tasksAtWork?: number;
  input?: JsonObject;
  output?: JsonObject;
  limits: LimitsConfig;
}

/** The model of its caller: of the agent that calls it, or by sampling. */
export interface ClientModel {
  provider: 'client';
}

/** None: its steps are written down. */
export interface PlannedModel {
  provider: 'plan';
  steps: readonly PlanStep[];
}

/** `server/tool` globs, compiled. */
export interface ToolGlobs {
  patterns: string[];
  matches(id: string): boolean;
  /** Names of declared servers that at least one pattern can reach. */
  servers: string[];
}

export interface LimitsConfig {
  turns?: number;
  toolCalls?: number;
  parallelTools?: number;
  depth?: number;
  agents?: number;
  tokens?: number;
  /** US dollars. */
  cost?: number;
  /** Milliseconds. */
  time?: number;
  sameCall?: number;
  onLimit?: 'stop' | 'ask';
}

export interface HookConfig {
  place: HookPlace;
  /** As it is written, for people. */
  name: string;
  /** Whether it wants a tool (`server/tool`, or the name of an agent); of other places true. */
  matches: (tool: string) => boolean;
  timeoutMs: number;
  /** Absolute paths; of a program only where it was given as a path. */
  run: { kind: 'module'; file: string } | { kind: 'command'; argv: string[]; cwd: string };
}

export interface ModelConfig {
  provider: 'anthropic' | 'openai' | 'openai-chat' | 'scripted';
  /** The provider's own name of the model; for `scripted`, the absolute path of the script. */
  model: string;
  baseUrl?: string;
  apiKey?: string;
  headers?: Record<string, string>;
  thinking?: 'off' | 'low' | 'medium' | 'high';
  maxTokens?: number;
  temperature?: number;
  contextWindow?: number;
  /** Requests at once, of all agents together. */
  concurrency?: number;
  /** US dollars per million tokens. */
  price?: { input: number; output: number; cachedInput?: number; cacheWrite?: number };
  /** Tried in order when the one before cannot answer. Only models that have their key; flat: theirs are empty. */
  fallback: ModelConfig[];
}

export type ServerConfig = {
  name: string;
  /** Believe the server's own tool annotations when its tools have no effect class. */
  trustsAnnotations: boolean;
  /** Milliseconds without any sign of life from a call. Default 60 s. */
  idleTimeout?: number;
  /** Milliseconds a call may take in all. Default 10 min. */
  hardTimeout?: number;
  /** Calls side by side. Default 8. */
  concurrency?: number;
  /** It is another Deputy: its agents get mandates, and what they ask, use and do is taken for that of agents. */
  deputy: boolean;
  /** The only protocol version that is spoken with it. Default: the newest that both know. */
  protocol?: '2025-11-25' | '2026-07-28';
  /** It may put questions to people. */
  asks: boolean;
  /** Hosts (`name` or `name:port`, lower case) that its questions may send people to. */
  urlHosts: string[];
  /** It may use the agent's model. */
  sampling: boolean;
  tools: ToolRule[];
} & (
  | { kind: 'stdio'; command: string; args: string[]; env: Record<string, string>; cwd: string }
  | { kind: 'http'; url: string; headers: Record<string, string> }
);

/** The first rule whose glob matches a tool's own name holds. */
export interface ToolRule {
  matches(tool: string): boolean;
  pattern: string;
  effect?: EffectClass;
  /** Of `keyed`: the argument, or else the `_meta` key, that holds the key. */
  key?: string;
  /** What agents and globs call it instead. */
  rename?: string;
}

export interface ServeConfig {
  /** Names of agents that callers see. */
  expose: string[];
  http?: { host: string; port: number };
  /** Names of this server, besides those of loopback: `name` or `name:port`. */
  hosts: string[];
  /** How callers over HTTP are told apart. */
  auth?: AuthConfig;
  /** Tasks at work at once, of all callers together. */
  tasksAtWork?: number;
  /** Told of every new question. */
  webhooks: WebhookConfig[];
  /** Milliseconds after which a task is cancelled whose caller, another Deputy, was not heard of. Default one day. */
  abandonAfter?: number;
  /** What one caller may start. */
  limits?: { workingTasks?: number; openTasks?: number; startsPerSecond?: number };
  /** Milliseconds a call may wait before its caller gets a handle. */
  wait?: number;
}

export interface WebhookConfig {
  url: string;
  /** `whsec_` and base64, or text. */
  secret: string;
}

export interface AuthConfig {
  /** Both or none. */
  issuer?: string;
  audience?: string;
  scope?: string;
  keys: { owner: string; key: string }[];
}

export type StoreConfig = StorePlace & {
  /** Milliseconds from its start that a task is remembered; null for ever. */
  keep?: number | null;
  /** Milliseconds from its start that the journal of a task is kept; null for ever. Absent: as long as `keep`. */
  keepJournal?: number | null;
};

/** `sqlite` is an absolute path, or `:memory:`; `postgres` a connection string. */
export type StorePlace = { sqlite: string } | { postgres: string };
