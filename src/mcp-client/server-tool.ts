/** What a server lists, read: tools as it has them, before agents and rules come into it. */
import type { Client, RequestOptions } from '@modelcontextprotocol/client';
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { isDeep, readableSchema, schemaFault } from './bounded-schema.ts';
import { capped, withoutInvisible } from './clean-text.ts';
import { agentKey, handleToolKey } from '../meta-keys.ts';
import { bounds } from './options.ts';
import { ask, type CallTarget, can, mustListBySdk } from './sdk-seams.ts';
import { definedBy, definitionOf } from './tool-pin.ts';

export interface ServerTool {
  /** As the server calls it. */
  ownName: string;
  /** What is pinned of it: as the server has it. */
  definition: JsonObject;
  /** Without what nobody can see, and capped. */
  description: string;
  inputSchema: JsonObject;
  outputSchema?: JsonObject;
  annotations: JsonObject;
  /** Arguments of it are mirrored into HTTP headers (SEP-2243). */
  mirrorsHeaders: boolean;
  /** 2025: whether it runs as a task. */
  taskSupport: CallTarget['taskSupport'];
  /** It says that it is an agent of a Deputy. */
  isAgent: boolean;
}

export interface ListedTools {
  tools: ServerTool[];
  /** What was wrong with the list, for people. */
  faults: string[];
}

export type ListName = 'tools' | 'resources' | 'resourceTemplates' | 'prompts';

const methods: Record<ListName, string> = {
  tools: 'tools/list',
  resources: 'resources/list',
  resourceTemplates: 'resources/templates/list',
  prompts: 'prompts/list',
};

/** @throws what `ask` throws; Error when the list does not end. */
export async function listTools(client: Client, kind: 'stdio' | 'http', options: RequestOptions): Promise<ListedTools> {
  if (!can(client, 'tools')) return { tools: [], faults: [] };
  const listed = mustListBySdk(client, kind)
    ? (await client.listTools(undefined, { ...options, cacheMode: 'bypass' })).tools
    : await listAll(client, 'tools', options);
  if (listed.length > bounds.tools)
    throw new Error(`it lists ${listed.length} tools, over the ${bounds.tools} that are read`);
  return readTools(listed as Json[]);
}

/** Every page. A cursor that comes again ends the walk; one that always changes is an error. */
export async function listAll(client: Client, name: ListName, options: RequestOptions): Promise<Json[]> {
  const items: Json[] = [];
  const seen = new Set<string>();
  let cursor: string | undefined;
  for (let pages = 0; pages < bounds.pages; pages += 1) {
    const page = await listPage(client, name, cursor, options);
    for (const item of page.items) items.push(item);
    if (items.length > mostItems) throw new Error(`its ${methods[name]} has over ${mostItems} entries`);
    cursor = page.nextCursor;
    if (cursor === undefined || seen.has(cursor)) return items;
    seen.add(cursor);
  }
  throw new Error(`its ${methods[name]} does not end (over ${bounds.pages} pages)`);
}

const mostItems = 20_000;

export async function listPage(
  client: Client,
  name: ListName,
  cursor: string | undefined,
  options: RequestOptions,
): Promise<{ items: Json[]; nextCursor?: string }> {
  const page = await ask(client, methods[name], cursor === undefined ? {} : { cursor }, options);
  const items = page[name];
  if (!Array.isArray(items)) throw new Error(`its answer to ${methods[name]} has no list "${name}"`);
  const next = page['nextCursor'];
  return { items, ...(typeof next === 'string' && next !== '' && { nextCursor: next }) };
}

function readTools(listed: Json[]): ListedTools {
  const tools = new Map<string, ServerTool>();
  const faults: string[] = [];
  for (const item of listed) {
    if (hasMark(item, handleToolKey)) continue;
    const tool = readTool(item);
    if (typeof tool === 'string') faults.push(tool);
    else if (tools.has(tool.ownName)) faults.push(`${tool.ownName} is listed twice; the first is used`);
    else {
      tools.set(tool.ownName, tool);
      if (isJsonObject(item) && hidesText(item))
        faults.push(`${tool.ownName} hid text in its description; it was removed`);
    }
  }
  return { tools: [...tools.values()], faults };
}

/**
 * Marks of another Deputy: its agents, and its tools that look after tasks for hosts that cannot. We follow its tasks
 * ourselves.
 */
const hasMark = (item: Json, key: string): boolean =>
  isJsonObject(item) && isJsonObject(item['_meta']) && item['_meta'][key] === true;

/** @returns the tool, or why it is left out. */
export function readTool(item: Json): ServerTool | string {
  if (!isJsonObject(item)) return 'a tool that is no object was left out';
  const { name, inputSchema, outputSchema, annotations } = item;
  if (typeof name !== 'string' || name === '') return 'a tool without a name was left out';
  if (name.length > 256) return `a tool with a name of ${name.length} characters was left out`;
  if (withoutInvisible(name) !== name || /[\n\t]/.test(name))
    return `a tool with hidden characters in its name was left out`;
  const tooLong = `${name} was left out: its definition is over ${bounds.definition / 1024} KiB`;
  // To write down millions of characters only to count them would hold up everybody.
  const long = definedBy.filter((part) => charactersIn(item[part] ?? null) > bounds.definition);
  if (long.length > 0) return tooLong;
  const fault = schemaFault(inputSchema);
  if (fault !== undefined || !isJsonObject(inputSchema)) return `${name} was left out: ${fault}`;
  if (isDeep(item, deepest)) return `${name} was left out: its definition is over ${deepest} levels deep`;
  const definition = definitionOf(item);
  if (JSON.stringify(definition).length > bounds.definition) return tooLong;
  return {
    ownName: name,
    definition,
    description: descriptionOf(item),
    inputSchema: readableSchema(inputSchema),
    ...(isJsonObject(outputSchema) && { outputSchema }),
    annotations: isJsonObject(annotations) ? annotations : {},
    mirrorsHeaders: JSON.stringify(inputSchema).includes('"x-mcp-header"'),
    taskSupport: taskSupportOf(item),
    isAgent: hasMark(item, agentKey),
  };
}

const deepest = 128;

/** Of all its texts. What lies deeper than a definition may be is not looked at. */
function charactersIn(value: Json, levels = deepest): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null || levels === 0) return 0;
  return Object.values(value).reduce((sum: number, part) => sum + charactersIn(part, levels - 1), 0);
}

function taskSupportOf({ execution }: JsonObject): CallTarget['taskSupport'] {
  const support = isJsonObject(execution) ? execution['taskSupport'] : undefined;
  return support === 'optional' || support === 'required' ? support : 'forbidden';
}

function descriptionOf({ description, title }: JsonObject): string {
  const said = typeof description === 'string' ? description : typeof title === 'string' ? title : '';
  return capped(withoutInvisible(said.slice(0, 4 * bounds.description)), bounds.description);
}

/** Emoji are joined by invisible characters and line ends may be CRLF: neither is a threat. */
function hidesText({ description }: JsonObject): boolean {
  if (typeof description !== 'string') return false;
  const plain = description.slice(0, 4 * bounds.description).replace(/\r|\u200D/gu, '');
  return withoutInvisible(plain) !== plain;
}
