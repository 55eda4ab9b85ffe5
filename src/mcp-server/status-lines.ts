/**
 * What each task that is at work in this process does at the moment: in one line for those who poll, and a line for each
 * branch at work for the Deputy above.
 *
 *   - A branch has one line: what was told of it last. Where branches of its own are at work, those are told instead.
 *   - It is gone when the branch has ended, when its agent begins its next turn, and when the task is over.
 *   - Which agent works where is learned from what it tells: after a restart, as soon as it tells something.
 *   - Bounded, whatever tasks do: in tasks (those that were silent longest are forgotten), branches and characters.
 */
import type { TaskEvent } from '../task/event.ts';
import type { Activity } from '../task/mandate.ts';
import { isTerminal, type Task } from '../task/task.ts';
import { type Happening, whatHappened } from './describe-event.ts';

const mostTasks = 10_000;
/** Of a task, at work at once. */
const mostBranches = 500;
/** As a Deputy above is told. */
const mostTold = 50;
const longestLine = 300;

interface Work {
  /** Of the whole task. */
  newest?: string;
  /** Nested agents, by the path of the branch that each works in. */
  readonly agents: Map<string, string>;
  /** By the path of the branch, the newest last. An agent of another Deputy may tell of several below it. */
  readonly branches: Map<string, readonly Activity[]>;
}

export class StatusLines {
  readonly #works = new Map<string, Work>();

  /** To be given every event of the engine. */
  observe(event: TaskEvent, task: Task): void {
    if (event.type !== 'status') return this.#happened(event, task);
    if (isTerminal(event.task)) this.#works.delete(task.id);
    // What it waits for is in the task itself; what it did before is over, but other branches may be at work.
    else delete this.#works.get(task.id)?.newest;
  }

  /** The newest in one line; an agent below is told with the chain down to it. */
  of(task: Task): string | undefined {
    return task.status === 'working' ? this.#works.get(task.id)?.newest : undefined;
  }

  /** A line for each branch at work; at most 50, those that told something last. */
  activity(task: Task): Activity[] {
    const work = this.#works.get(task.id);
    if (work === undefined || isTerminal(task)) return [];
    const above = new Set([...work.branches.keys()].flatMap(pathsAbove));
    return [...work.branches].flatMap(([path, lines]) => (above.has(path) ? [] : lines)).slice(-mostTold);
  }

  #happened(event: Happening, task: Task): void {
    const line = whatHappened(event);
    if (line === undefined) return;
    const work = this.#workOf(task);
    const { agents, branches } = work;
    const home = homeOf(event);
    if (home !== '' && agents.size < mostBranches) agents.set(home, event.agent);
    const chain = [task.agent, ...[...pathsAbove(home), home].flatMap((path) => agents.get(path) ?? [])];
    const below = event.type === 'tool_progress' ? (event.below ?? []) : [];
    const lines = (below.length > 0 ? below : [{ chain: [], line }])
      .slice(-mostTold)
      .map((one) => ({ chain: [...chain, ...one.chain], line: one.line.slice(0, longestLine) }));
    const newest = lines.at(-1);
    if (newest !== undefined) work.newest = inOneLine(newest);

    if (event.type === 'turn_start' || isEnd(event)) forget(work, event.path);
    if (isEnd(event)) agents.delete(event.path);
    // What a call came to is the last that its agent did.
    const path = event.type === 'tool_end' ? home : event.path;
    branches.delete(path);
    if (branches.size < mostBranches) branches.set(path, lines);
  }

  #workOf({ id }: Task): Work {
    const work = this.#works.get(id) ?? { agents: new Map(), branches: new Map() };
    this.#works.delete(id);
    this.#works.set(id, work);
    const [silent] = this.#works.keys();
    if (this.#works.size > mostTasks && silent !== undefined) this.#works.delete(silent);
    return work;
  }
}

/** Below the task's own agent, whom the task names already. */
function inOneLine({ chain, line }: Activity): string {
  const below = chain.length > 1 ? chain.slice(1) : chain;
  return `${below.join(' → ')}: ${line}`;
}

/** Where the agent works that tells of something: its calls are branches of that one. */
const homeOf = ({ type, path }: Happening): string =>
  type.startsWith('tool_') ? (pathsAbove(path).at(-1) ?? '') : path;

/** The root first; none of the root. */
function pathsAbove(path: string): string[] {
  if (path === '') return [];
  const keys = path.split('/');
  return keys.map((_, index) => keys.slice(0, index).join('/'));
}

const isEnd = ({ type }: Happening): boolean => type === 'agent_end' || type === 'tool_end';

/** The branch has ended, or begins anew. */
function forget({ agents, branches }: Work, path: string): void {
  const isBelow = (other: string): boolean => other.startsWith(path === '' ? '' : `${path}/`) && other !== path;
  for (const other of agents.keys()) if (isBelow(other)) agents.delete(other);
  for (const other of branches.keys()) if (isBelow(other) || other === path) branches.delete(other);
}
