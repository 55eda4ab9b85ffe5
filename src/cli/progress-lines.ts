/** A progress tree as lines for a terminal, and one event as a line for a file. Pure functions. */
import type { Json } from '../json.ts';
import type { TaskEvent } from '../task/event.ts';
import type { Activity } from '../task/mandate.ts';
import type { Task } from '../task/task.ts';
import type { Usage } from '../task/usage.ts';
import { cleanText, columnsOf, oneLine } from './clean-text.ts';
import { belowLines } from './progress-below.ts';
import { type AgentNode, type CallNode, enclosing, type ProgressTree } from './progress-tree.ts';
import type { Paint } from './terminal.ts';

export interface LineOptions {
  /** Columns of the terminal. */
  width: number;
  /** Milliseconds since the epoch, for what still runs. */
  now: number;
  paint: Paint;
  /** Which picture of the spinner. */
  frame: number;
  /** Only the calls of the task's own agent from this one on: those before are on the screen already. */
  from?: number;
}

const spinner = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/** So many calls of one tool, one after another and all well, are shown as one line. */
const shownOneByOne = 3;

export function treeLines(tree: ProgressTree, options: LineOptions): string[] {
  if (!tree.root) return [];
  return [agentLine(tree.root, '', undefined, options), ...callLines(tree.root, '', options, options.from ?? 0)];
}

/** The calls of the task's own agent from `options.from` on, without the line of the agent itself. */
export const callsOf = (tree: ProgressTree, options: LineOptions): string[] => treeLines(tree, options).slice(1);

function callLines(agent: AgentNode, indent: string, options: LineOptions, from = 0): string[] {
  const groups = grouped(agent.calls.slice(from));
  return groups.flatMap((group, index) => {
    const last = index === groups.length - 1;
    const branch = `${indent}${last ? '└ ' : '├ '}`;
    const [call] = group;
    if (call === undefined) return [];
    if (call.agent && group.length === 1)
      return [
        agentLine(call.agent, branch, call, options),
        ...callLines(call.agent, `${indent}${last ? '  ' : '│ '}`, options),
      ];
    const below = call.endedAt === undefined ? belowLines(call, `${indent}${last ? '  ' : '│ '}`, options) : [];
    return [callLine(call, branch, group, options), ...below];
  });
}

function grouped(calls: readonly CallNode[]): CallNode[][] {
  const groups: CallNode[][] = [];
  for (const call of calls) {
    const group = groups.at(-1);
    const [first] = group ?? [];
    if (group && first && isPlain(call) && isPlain(first) && first.tool === call.tool && first.turn === call.turn)
      group.push(call);
    else groups.push([call]);
  }
  return groups.flatMap((group) => (group.length > shownOneByOne ? [group] : group.map((call) => [call])));
}

const isPlain = (call: CallNode): boolean => call.endedAt !== undefined && call.isError !== true && !call.agent;

function agentLine(agent: AgentNode, branch: string, call: CallNode | undefined, options: LineOptions): string {
  const { paint } = options;
  const failed = call?.isError === true || (agent.stop !== undefined && agent.stop !== 'answer');
  const mark = markOf(agent.endedAt, failed, options);
  const facts = [
    ...(agent.stop !== undefined && agent.stop !== 'answer' ? [agent.stop.replaceAll('_', ' ')] : []),
    ...(agent.turn > 0 ? [agent.endedAt === undefined ? `turn ${agent.turn}` : count(agent.turn, 'turn')] : []),
    ...spent(agent.usage),
    duration((agent.endedAt ?? options.now) - agent.startedAt),
  ].join(' · ');
  const room = options.width - columnsOf(branch) - 3;
  const name = oneLine(agent.name, room);
  return `${paint('dim', branch)}${mark} ${paint('bold', name)}${paint('dim', fitted(`  ${facts}`, room - columnsOf(name)))}`;
}

function callLine(call: CallNode, branch: string, group: readonly CallNode[], options: LineOptions): string {
  const { paint } = options;
  const mark = markOf(call.endedAt, call.isError === true, options);
  const last = group.at(-1) ?? call;
  const time = duration((last.endedAt ?? options.now) - call.startedAt);
  const room = options.width - columnsOf(branch) - 3;
  const tool = oneLine(group.length > 1 ? `${call.tool} ×${group.length}` : call.tool, room);
  const said = call.isError === true ? oneLine(call.summary ?? '', 200) : argumentsOf(call, group);
  const tail = said === '' ? '' : `  ${said}`;
  const rest = room - columnsOf(tool) - columnsOf(time) - 2;
  const told = fitted(tail, rest);
  return `${paint('dim', branch)}${mark} ${tool}${paint(call.isError === true ? 'red' : 'dim', told)}${paint('dim', fitted(`  ${time}`, room - columnsOf(tool) - columnsOf(told)))}`;
}

function argumentsOf(call: CallNode, group: readonly CallNode[]): string {
  if (group.length > 1) return group.map((one) => shortArgs(one.args)).join(', ');
  const { progress } = call;
  if (progress === undefined || call.endedAt !== undefined) return shortArgs(call.args);
  // The call is an agent of another Deputy: what it does itself.
  const own = call.below?.find(({ chain }) => chain.length <= 1);
  if (own !== undefined) return own.line;
  const part = progress.total === undefined ? `${progress.progress}` : `${progress.progress}/${progress.total}`;
  return `${part} ${progress.message ?? ''}`;
}

function markOf(endedAt: number | undefined, failed: boolean, { paint, frame }: LineOptions): string {
  if (endedAt === undefined) return paint('cyan', spinner[frame % spinner.length] ?? '·');
  return failed ? paint('red', '✗') : paint('green', '✓');
}

/** All of `text` or, where there is no room, as much of it as fits. Leading space is kept. */
function fitted(text: string, room: number): string {
  if (columnsOf(text) <= room) return cleanText(text).replaceAll('\n', ' ');
  return room < 6 ? '' : `  ${oneLine(text, room - 2)}`;
}

/** One event as a line for a reader without a terminal; undefined where nothing changed that is worth one. */
export function eventLine(tree: ProgressTree, event: TaskEvent): string | undefined {
  if (event.type === 'status') return waitLine(event.task);
  const node = isOfCall(event) ? enclosing(tree, event.path) : tree.agents.get(event.path);
  const chain = (node?.chain ?? [event.agent]).map((name) => oneLine(name, 64)).join(' > ');
  switch (event.type) {
    case 'turn_start':
      return `${chain}: turn ${event.turn}`;
    case 'tool_start':
      return `${chain}: ${oneLine(`${event.tool} ${shortArgs(event.args)}`, 200)}`;
    case 'tool_end': {
      const call = tree.calls.get(event.path);
      const time = call?.endedAt === undefined ? '' : ` in ${duration(call.endedAt - call.startedAt)}`;
      const what = oneLine(`${event.tool} ${shortArgs(call?.args ?? null)}`, 80);
      return `${chain}: ${what} ${event.isError ? `failed${time}: ${oneLine(event.summary, 160)}` : `done${time}`}`;
    }
    case 'tool_progress':
      if (event.below !== undefined) return newsLines(chain, tree.calls.get(event.path)?.news ?? []);
      return event.message === undefined ? undefined : `${chain}: ${oneLine(`${event.tool}: ${event.message}`, 200)}`;
    case 'compacted':
      return `${chain}: summed up ${count(event.messages, 'message')} to make room`;
    case 'agent_end':
      return `${chain}: ${node ? outcomeOf(node) : event.stop}`;
    case 'agent_start':
    case 'turn_end':
    case 'text_delta':
    case 'thinking_delta':
      return undefined;
  }
}

function newsLines(chain: string, news: readonly Activity[]): string | undefined {
  const lines = news.map(
    (one) => `${[chain, ...one.chain.map((name) => oneLine(name, 64))].join(' > ')}: ${oneLine(one.line, 200)}`,
  );
  return lines.length === 0 ? undefined : lines.join('\n');
}

/** Why it does nothing at the moment, and what may be done about it: whole, for it holds commands. */
const waitLine = ({ status, statusMessage }: Task): string | undefined =>
  status === 'working' && statusMessage !== undefined ? oneLine(statusMessage, 2_000) : undefined;

/** Such an event carries the path of the call, which may be an agent's path too. */
const isOfCall = (event: TaskEvent): boolean => event.type.startsWith('tool_');

/** How an agent ended and what it took, in one line. */
export function outcomeOf(agent: AgentNode): string {
  const stop =
    agent.stop === undefined ? 'stopped' : agent.stop === 'answer' ? 'answered' : agent.stop.replaceAll('_', ' ');
  const calls = agent.calls.length === 0 ? [] : [count(agent.calls.length, 'call')];
  const time = agent.endedAt === undefined ? [] : [duration(agent.endedAt - agent.startedAt)];
  return [stop, count(agent.turn, 'turn'), ...calls, ...spent(agent.usage), ...time].join(' · ');
}

function spent(usage: Usage): string[] {
  const tokens = usage.inputTokens + usage.outputTokens;
  if (tokens === 0) return [];
  const cost = usage.cost === null ? ['price unknown'] : usage.cost > 0 ? [money(usage.cost)] : [];
  return [`${thousands(tokens)} tokens`, ...cost];
}

/** `path=README.md, head=20`: what a person needs of a call's arguments. */
function shortArgs(args: Json): string {
  if (typeof args !== 'object' || args === null) return args === null ? '' : JSON.stringify(args);
  const entries = Object.entries(args);
  const [only] = entries;
  if (entries.length === 1 && only) return shown(only[1]);
  return entries.map(([key, value]) => `${key}=${shown(value)}`).join(' ');
}

function shown(value: Json): string {
  if (Array.isArray(value) && value.length > 3) return `[${value.length}]`;
  return (typeof value === 'string' ? value : JSON.stringify(value)).slice(0, 120);
}

const money = (dollars: number): string => `$${dollars < 0.01 ? dollars.toFixed(4) : dollars.toFixed(2)}`;

const thousands = (tokens: number): string => (tokens < 1000 ? `${tokens}` : `${(tokens / 1000).toFixed(1)}k`);

export const count = (many: number, what: string): string => `${many} ${what}${many === 1 ? '' : 's'}`;

export function duration(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.floor((ms % 60_000) / 1000)} s`;
}
