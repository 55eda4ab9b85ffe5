/** What this room is told: the servers of the network, and how long to wait for them. */
import type { EffectClass } from '../task/effect.ts';
import type { Log } from '../log.ts';

/** One entry of `mcpServers`, checked and resolved. */
export type ServerOptions = {
  name: string;
  /** Believe the server's own tool annotations when its tools have no effect class. */
  trustsAnnotations: boolean;
  /** Milliseconds without any sign of life from a call. Default 60 s. */
  idleTimeout?: number;
  /** Milliseconds a call may take in all. Default 10 min; 24 h where the server made a task of it, 7 days where that is of a Deputy. */
  hardTimeout?: number;
  /** Calls side by side. Default 8. */
  concurrency?: number;
  tools: ToolRule[];
  /** It is another Deputy: its agents get mandates, and what they ask, use and do is taken for that of agents. */
  deputy?: boolean;
  /** The only protocol version that is spoken with it. Default: the newest that both know. */
  protocol?: '2025-11-25' | '2026-07-28';
  /** It may put questions to people. Without this nothing is offered, and what it asks anyway is refused. */
  asks?: boolean;
  /** It may ask people to open pages of these hosts: `name` exactly, or `*.name` for all below it. */
  urlHosts?: readonly string[];
  /** It may think with the agent's model (`sampling/createMessage`). */
  sampling?: boolean;
} & (StdioTarget | HttpTarget);

export type StdioTarget = {
  kind: 'stdio';
  command: string;
  args: string[];
  /** All that the child gets beside PATH, LANG and HOME. */
  env: Record<string, string>;
  cwd: string;
};
export type HttpTarget = { kind: 'http'; url: string; headers: Record<string, string> };

/** The first rule whose glob matches a tool's own name holds. */
export interface ToolRule {
  matches(tool: string): boolean;
  pattern: string;
  effect?: EffectClass;
  /** Of `keyed`: the argument, or else the key in `_meta`, that says which call this is. */
  key?: string;
  /** What agents and globs call it instead. */
  rename?: string;
}

/** It may ask something of people or of a model while a call of ours is open. */
export const mayAsk = (options: Offer): boolean => mayAskPeople(options) || options.sampling === true;

/** What the agents of another Deputy ask is for people by its nature. */
export const mayAskPeople = ({ asks, deputy }: Offer): boolean => asks === true || deputy === true;

/** What a server may ask of us. */
export type Offer = Pick<ServerOptions, 'asks' | 'deputy' | 'sampling' | 'urlHosts'>;

/** How many questions one call may have open, and ask in all: below an agent of another Deputy there may be many. */
export const questionBounds = ({ deputy }: Pick<ServerOptions, 'deputy'>): { open: number; all: number } =>
  deputy === true
    ? { open: bounds.openQuestionsOfAgents, all: bounds.questionsOfAgents }
    : { open: bounds.openQuestions, all: bounds.questions };

/** Milliseconds. */
export interface Timings {
  /** The era probe of a stdio server: silence means that it is of 2025 or older. */
  probe: number;
  /** All of a start: the process, the probe, the handshake. */
  start: number;
  /** One page of a list, one resource, one prompt. */
  list: number;
  /** After a silent call: how long the server may take to show that it still listens. */
  ping: number;
  /** From closed stdin to SIGTERM, and from SIGTERM to SIGKILL. */
  grace: number;
  /** The first wait before a restart; it doubles up to `backoffMax`. */
  backoff: number;
  backoffMax: number;
  /** How long a call waits for a server that is being restarted. */
  restartWait: number;
  /** At most `restarts` restarts in this time. */
  restartWindow: number;
  /** Between two polls of a task: at least, at most, and where the server has no wish. */
  pollLeast: number;
  pollMost: number;
  poll: number;
  /** Between two polls of a task that the server tells of by itself, and at most after a poll that failed. */
  pollTold: number;
  /** How long a task's server may give no usable answer before the task is given up. */
  taskSilence: number;
  /** How long a cancelled task's server may take to acknowledge it. */
  cancelGrace: number;
  /** How long to wait for the server's word that a page was seen to, before the call is made again. */
  pageDone: number;
}

export const defaultTimings: Timings = {
  probe: 15_000,
  start: 60_000,
  list: 15_000,
  ping: 5_000,
  grace: 2_000,
  backoff: 500,
  backoffMax: 30_000,
  restartWait: 30_000,
  restartWindow: 600_000,
  pollLeast: 100,
  pollMost: 300_000,
  poll: 1_000,
  pollTold: 30_000,
  taskSilence: 600_000,
  cancelGrace: 2_000,
  pageDone: 60_000,
};

export const bounds = {
  idleTimeout: 60_000,
  hardTimeout: 600_000,
  /** Milliseconds that a task of another server may take; also the `ttl` that it is asked for. */
  taskTimeout: 86_400_000,
  /** The same for an agent of another Deputy: a network may work for days, and its Deputy be down meanwhile. */
  agentTimeout: 7 * 86_400_000,
  concurrency: 8,
  /** Calls that wait for a slot of one server: in all, and of one owner. */
  waitingCalls: 10_000,
  waitingCallsOfOne: 1_000,
  /** What one call may ask at the same time, and in all. */
  openQuestions: 16,
  questions: 100,
  openQuestionsOfAgents: 256,
  questionsOfAgents: 10_000,
  /** How often one call may be broken off to ask, and to make us wait. */
  rounds: 10,
  waits: 100,
  /** Characters of what is kept of a call that was broken off to ask. */
  round: 256 * 1024,
  restarts: 5,
  /** Bytes of one message from a server, on any transport. */
  message: 32 * 1024 * 1024,
  /** Bytes of noise on stdout without a single message between. */
  noise: 32 * 1024 * 1024,
  /** Bytes that a server leaves unread in its stdin before a call to it fails at once. */
  unread: 64 * 1024 * 1024,
  pages: 100,
  tools: 2_000,
  /** Characters. */
  description: 4_096,
  /** Characters of a tool's schema as JSON. */
  schema: 256 * 1024,
  /** Characters of a tool's whole definition as JSON. */
  definition: 512 * 1024,
  /** Requests that a server may send us in so many milliseconds before it is left: most of them would be refused. */
  requests: 2_000,
  requestsTime: 10_000,
  /** The same of a Deputy: what is open in all its tasks is asked at once when it comes back. */
  requestsOfAgents: 20_000,
  /** Requests of a server that run as tasks of ours at the same time. */
  receivedTasks: 100,
} as const;

export interface Deps {
  log: Log;
  /** Our version, told to servers. */
  version?: string;
  /** Which Deputy we are: `Link.deputy` of our agents in mandates. */
  identity?: string;
  timings?: Partial<Timings>;
  /** Milliseconds since the epoch, for the restart window. */
  now?: () => number;
  /** Where the definitions of tools are pinned (`deputy.lock`). Undefined: they are not. */
  lockFile?: string;
}

/** A server as people are told of it: never with what may be a credential in it. */
export function targetOf(options: ServerOptions): string {
  if (options.kind === 'stdio') return [options.command, ...options.args].join(' ');
  const url = new URL(options.url);
  return url.origin + url.pathname;
}
