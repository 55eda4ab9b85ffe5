/** What the bench knows of a contestant. */
import type { Child } from './child.ts';

export interface Contestant {
  name: string;
  start(servers: Servers): Promise<Running>;
}

export interface Servers {
  /** The base URL of the Chat Completions API, `/v1` included. */
  model: string;
  /** The MCP endpoint. */
  echo: string;
}

export interface Running {
  /** The process that is measured. */
  process: Child;
  /** The answers of these runs, in their order. */
  answers(runs: Runs): Promise<string[]>;
  stop(): Promise<void>;
}

export interface Runs {
  /** The number of the first one; every run of a bench has its own. */
  first: number;
  count: number;
  atOnce: number;
}

/**
 * What the module of a contestant that is a library exports as `connect`: one connection to each server, shared by all
 * runs, as Deputy does it.
 */
export type Connect = (servers: Servers) => Promise<(question: string) => Promise<string>>;
