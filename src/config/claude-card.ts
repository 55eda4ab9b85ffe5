/**
 * The words of Claude Code's agent files in ours. Fields as documented at code.claude.com/docs/en/sub-agents:
 * name, description, tools, disallowedTools, model, permissionMode, maxTurns, skills, mcpServers, hooks, memory,
 * background, effort, isolation, color, initialPrompt.
 */
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { closest } from './closest.ts';
import type { Declarations } from './declarations.ts';
import type { Problems } from './problem.ts';
import { agentSchema } from './schema-agents.ts';
import type { AgentEntry } from './schema.ts';
import type { Place } from './source.ts';
import { placeOf, type Spot } from './spot.ts';
import { otherKeys } from './other-keys.ts';
import { askPerson } from './tool-globs.ts';

/** What Claude Code's model aliases mean today: the newest of each family. */
const aliases: ReadonlyMap<string, string> = new Map([
  ['opus', 'anthropic/claude-opus-5-5'],
  ['sonnet', 'anthropic/claude-sonnet-5-5'],
  ['haiku', 'anthropic/claude-haiku-5-5'],
]);

/** Fields without a meaning here: what to say about each. */
const ignored: ReadonlyMap<string, string> = new Map([
  ['color', 'colours belong to Claude Code'],
  ['permissionMode', 'write `permissions: { allow: [...], ask: [...], deny: [...] }`'],
  ['skills', 'skills are not loaded: put their text into the instructions'],
  ['mcpServers', 'servers are declared in agents.yaml, under mcpServers'],
  ['memory', 'agents keep no memory between tasks'],
  ['background', 'callers decide how they wait'],
  ['effort', 'write `thinking` in an entry of `models`'],
  ['isolation', 'agents run no commands of their own, so there is nothing to isolate'],
  ['initialPrompt', 'callers give the first message'],
]);

export interface Kept {
  /** The front matter without what was translated or has no meaning. */
  entry: JsonObject;
  /** What Claude's words come to. */
  translated: Partial<AgentEntry>;
  withoutTools: string[];
  /** Where each of the translated `tools` stands. */
  toolPlaces: Place[];
}

export function readClaudeWords(
  entry: JsonObject,
  spot: Spot,
  name: string,
  declarations: Declarations,
  problems: Problems,
): Kept {
  const kept: Kept = { entry: { ...entry }, translated: {}, withoutTools: [], toolPlaces: [] };
  const at = (key: string, part: 'key' | 'value') => placeOf(spot.children.get(key) ?? spot, part);
  const ours = Object.keys(agentSchema.shape);
  let isClaudes = false;

  for (const [key, value] of Object.entries(entry)) {
    const why =
      ignored.get(key) ??
      (key === 'hooks' && areClaudeHooks(value)
        ? 'hooks of Claude Code are not run: write `before_tool` and the like'
        : undefined);
    if (why !== undefined || isForeign(key)) {
      isClaudes ||= why !== undefined;
      problems.warn('W_CARD_KEY', at(key, 'key'), `"${key}" means nothing here`, {
        help: why ?? 'remove it, or leave it for the tool that reads it',
      });
      delete kept.entry[key];
    }
  }

  const model = entry['model'];
  if (typeof model === 'string' && !declarations.models.has(model)) {
    const full = aliases.get(model) ?? (model.startsWith('claude-') ? `anthropic/${model}` : undefined);
    isClaudes ||= full !== undefined || model === 'inherit';
    if (full !== undefined) kept.entry['model'] = full;
    if (model === 'inherit') delete kept.entry['model'];
  }

  const tools = toolNames(entry['tools']);
  if (tools !== undefined) {
    const agents = new Set(declaredAgents(entry['agents']));
    const translated = tools.map((tool) => translateTool(tool, 'tools', agents));
    kept.translated.tools = translated.flat();
    kept.toolPlaces = tools.flatMap((tool, index) => (translated[index] ?? []).map(() => placeOfTool(tool)));
    if (agents.size > 0) kept.translated.agents = [...agents];
  } else if (isClaudes && entry['tools'] === undefined && declarations.servers.size > 0) {
    problems.warn(
      'W_CARD_TOOLS',
      at('name', 'key'),
      `agents.${name} has no tools: Claude Code would give it all of them`,
      {
        help: 'name them: `tools: SERVER/*`, or `tools: []` for none',
      },
    );
  }
  kept.withoutTools = (toolNames(entry['disallowedTools']) ?? []).flatMap((tool) =>
    translateTool(tool, 'disallowedTools', new Set()),
  );

  const turns = entry['maxTurns'];
  if (typeof turns === 'number' && Number.isInteger(turns) && turns > 0 && entry['limits'] === undefined) {
    kept.translated.limits = { turns };
  }
  return kept;

  /** A key that is neither ours nor refused by name nor a slip of the pen. */
  function isForeign(key: string): boolean {
    const known = [...ours, 'name', 'disallowedTools', 'maxTurns'];
    if (known.includes(key) || closest(key, known) !== undefined) return false;
    const { notBuilt, foreign } = otherKeys.card;
    return !Object.hasOwn(notBuilt ?? {}, key) && !Object.hasOwn(foreign, key);
  }

  /** @returns the tool in our words, or nothing. */
  function translateTool(tool: string, key: 'tools' | 'disallowedTools', agents: Set<string>): string[] {
    const mcp = /^mcp__(.+?)(?:__(.+))?$/.exec(tool);
    const calls = /^(?:Agent|Task)\((.*)\)$/.exec(tool)?.[1];
    if (mcp?.[1] !== undefined) {
      const server = mcp[1];
      if (declarations.servers.has(server) || declarations.broken.has(`mcpServers.${server}`)) {
        return [`${server}/${mcp[2] ?? '*'}`];
      }
      const help = 'add it to mcpServers in agents.yaml: its entry of .mcp.json can be pasted in';
      if (key === 'tools') warnTool(tool, `no server "${server}" is declared`, help);
      return [];
    }
    if (calls !== undefined && key === 'tools') {
      for (const agent of calls.split(',')) if (agent.trim() !== '') agents.add(agent.trim());
      return [];
    }
    if (tool === 'AskUserQuestion') return [askPerson];
    if (!/^[A-Z]\w*(\(.*\))?$/.test(tool)) return [tool];
    if (key === 'tools') warnTool(tool, 'it is built into Claude Code and not there here', replacementFor(tool));
    return [];
  }

  function warnTool(tool: string, why: string, help: string): void {
    problems.warn('W_CARD_TOOL', placeOfTool(tool), `agents.${name} goes without the tool "${tool}": ${why}`, { help });
  }

  /** Of its item in the list, or of itself inside of the text with commas. */
  function placeOfTool(tool: string): Place {
    const list = spot.children.get('tools') ?? spot;
    const items = Array.isArray(entry['tools']) ? entry['tools'] : [];
    const item = list.children.get(items.indexOf(tool));
    if (item !== undefined) return placeOf(item);
    const { source, span } = placeOf(list);
    const start = findWord(source.text.slice(...span), tool);
    return start === -1 ? { source, span } : { source, span: [span[0] + start, span[0] + start + tool.length] };
  }
}

/** Where `word` stands in `text` and is not part of a longer one; -1 where nowhere. */
function findWord(text: string, word: string): number {
  const isInside = (character: string | undefined) => character !== undefined && /[\w/]/.test(character);
  for (let at = text.indexOf(word); at !== -1; at = text.indexOf(word, at + word.length)) {
    if (!isInside(text[at - 1]) && !isInside(text[at + word.length])) return at;
  }
  return -1;
}

function replacementFor(tool: string): string {
  const name = tool.replace(/\(.*$/, '');
  if (['Read', 'Glob', 'Grep', 'LS'].includes(name))
    return 'declare a file server (such as @modelcontextprotocol/server-filesystem) and name its tools: files/read_*';
  if (['Write', 'Edit', 'MultiEdit', 'NotebookEdit'].includes(name))
    return 'declare a file server (such as @modelcontextprotocol/server-filesystem) and name its tools: files/write_file';
  if (name === 'Task' || name === 'Agent') return 'name the agents that it may call: `agents: [NAME]`';
  return 'declare an MCP server that has such a tool and name it: SERVER/TOOL';
}

/** A list, or text with commas; commas inside of parentheses belong to the item. */
function toolNames(value: Json | undefined): string[] | undefined {
  if (Array.isArray(value)) return value.filter((item) => typeof item === 'string');
  if (typeof value !== 'string') return undefined;
  const names = [''];
  let depth = 0;
  for (const character of value) {
    if (character === '(') depth++;
    if (character === ')') depth--;
    if (character === ',' && depth <= 0) names.push('');
    else names.push(`${names.pop()}${character}`);
  }
  return names.map((name) => name.trim()).filter((name) => name !== '');
}

const declaredAgents = (value: Json | undefined): string[] =>
  Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];

/** Claude's hooks are named `PreToolUse`, ours `after_tool`. */
const areClaudeHooks = (value: Json): boolean =>
  isJsonObject(value) && Object.keys(value).every((key) => /^[A-Z]/.test(key));
