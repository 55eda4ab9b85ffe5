/**
 * What the agent that called leaves to a task of another Deputy: carried in `_meta` under our own key. Whoever sends one
 * only narrows what the callee would allow anyway: so nothing in it needs to be believed, and nothing is signed.
 */
export type Mandate = {
  /** Who called, from the first task's own agent down to the caller. */
  readonly chain: readonly Link[];
  /** How many levels of agents may still open below the callee; below zero the call itself is one too deep. */
  readonly depth: number;
  /** How many agents may still run: the callee, and all below it. */
  readonly agents: number;
  /** Input and output tokens, US dollars, and milliseconds of work time, all below included. Absent: no limit. */
  readonly tokens?: number;
  readonly cost?: number;
  readonly time?: number;
  /** Rules of the callers that speak about tools of any server, as `server/tool` globs. */
  readonly deny: readonly string[];
  readonly ask: readonly string[];
};

/** What one may carry at most: it is stored with the task, and handed on to every agent below. */
export const mandateBounds = {
  /** Links of its chain. */
  links: 32,
  /** Patterns of a kind. */
  patterns: 100,
  /** Characters of a name or a pattern. */
  text: 200,
} as const;

/** One agent at work. */
export type Link = {
  readonly agent: string;
  /** Which Deputy it runs in: the same text for all processes of one store. Absent: this one. */
  readonly deputy?: string;
};

/** What an agent below does at the moment, for those who watch. */
export type Activity = {
  /** From the watched task's own agent down; an agent of another Deputy is `server/agent`. */
  readonly chain: readonly string[];
  readonly line: string;
};
