/**
 * Resources and prompts as tools, for agents that their operator gave them to (`server/read_resource` and so on pass
 * the same globs as any tool). A tool of the server's own with such a name goes first.
 */
import type { ToolOutcome } from '../agent/tool.ts';
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { text, type Content } from '../task/content.ts';
import { capped, withoutInvisible } from './clean-text.ts';
import { failure, readContent, readResource } from './outcome.ts';
import { ask } from './sdk-seams.ts';
import { type RemoteCall, wireMore } from './remote-call.ts';
import type { Listed } from './server.ts';
import { listPage } from './server-tool.ts';

export interface ReadingTool {
  ownName: string;
  description: string;
  inputSchema: JsonObject;
  call(id: string): RemoteCall;
}

export function readingTools(server: string, { hasResources, hasPrompts }: Listed): ReadingTool[] {
  return [...(hasResources ? resourceTools(server) : []), ...(hasPrompts ? promptTools(server) : [])];
}

const pageSchema: JsonObject = {
  type: 'object',
  properties: { cursor: { type: 'string', description: 'The next_cursor of the page before.' } },
  additionalProperties: false,
};

const resourceTools = (server: string): ReadingTool[] => [
  {
    ownName: 'list_resources',
    description: `Lists what can be read from ${server} with read_resource: resources, and templates of their URIs.`,
    inputSchema: pageSchema,
    call: (id) => ({
      id,
      effect: 'read',
      isTask: () => false,
      send: async ({ client }, { cursor }, _more, options) => {
        const page = await listPage(client, 'resources', cursor as string | undefined, options);
        // Templates are few, and many servers do not know the question.
        const templates =
          cursor === undefined
            ? await listPage(client, 'resourceTemplates', undefined, options).catch(() => ({ items: [] }))
            : { items: [] };
        return { resources: page.items, templates: templates.items, next_cursor: page.nextCursor ?? null };
      },
      read: ({ resources, templates, next_cursor }) =>
        asJson({
          resources: described(resources, ['uri', 'name', 'description', 'mimeType', 'size']),
          ...(Array.isArray(templates) &&
            templates.length > 0 && {
              templates: described(templates, ['uriTemplate', 'name', 'description', 'mimeType']),
            }),
          ...(typeof next_cursor === 'string' && { next_cursor }),
        }),
    }),
  },
  {
    ownName: 'read_resource',
    description: `Reads a resource of ${server} by its URI (see list_resources).`,
    inputSchema: {
      type: 'object',
      properties: { uri: { type: 'string' } },
      required: ['uri'],
      additionalProperties: false,
    },
    call: (id) => ({
      id,
      effect: 'read',
      isTask: () => false,
      send: ({ client }, args, more, options) => ask(client, 'resources/read', { ...args, ...wireMore(more) }, options),
      read: ({ contents }) =>
        Array.isArray(contents)
          ? { content: contents.map(asContent), isError: false }
          : failure(`${id} was answered without contents.`),
    }),
  },
];

const promptTools = (server: string): ReadingTool[] => [
  {
    ownName: 'list_prompts',
    description: `Lists the prompts of ${server} and their arguments (see get_prompt).`,
    inputSchema: pageSchema,
    call: (id) => ({
      id,
      effect: 'read',
      isTask: () => false,
      send: async ({ client }, { cursor }, _more, options) => {
        const page = await listPage(client, 'prompts', cursor as string | undefined, options);
        return { prompts: page.items, next_cursor: page.nextCursor ?? null };
      },
      read: ({ prompts, next_cursor }) =>
        asJson({
          prompts: described(prompts, ['name', 'description', 'arguments']),
          ...(typeof next_cursor === 'string' && { next_cursor }),
        }),
    }),
  },
  {
    ownName: 'get_prompt',
    description: `Gets a prompt of ${server}, filled in with arguments (see list_prompts).`,
    inputSchema: {
      type: 'object',
      properties: {
        name: { type: 'string' },
        arguments: { type: 'object', additionalProperties: { type: 'string' } },
      },
      required: ['name'],
      additionalProperties: false,
    },
    call: (id) => ({
      id,
      effect: 'read',
      isTask: () => false,
      send: ({ client }, args, more, options) => ask(client, 'prompts/get', { ...args, ...wireMore(more) }, options),
      read: (answer) => readPrompt(id, answer),
    }),
  },
];

function readPrompt(id: string, { messages, description }: JsonObject): ToolOutcome {
  if (!Array.isArray(messages)) return failure(`${id} was answered without messages.`);
  const content: Content[] = typeof description === 'string' ? [text(`${withoutInvisible(description)}\n`)] : [];
  for (const message of messages) {
    if (!isJsonObject(message)) continue;
    content.push(
      text(`[${message['role'] === 'assistant' ? 'assistant' : 'user'}]\n`),
      readContent(message['content']),
    );
  }
  return { content, isError: false };
}

/** Pictures and sound as such, so that a model can take them in. */
function asContent(resource: Json): Content {
  if (!isJsonObject(resource)) return readContent(resource);
  const { blob, mimeType } = resource;
  if (typeof blob === 'string' && typeof mimeType === 'string') {
    if (mimeType.startsWith('image/')) return { type: 'image', data: blob, mimeType };
    if (mimeType.startsWith('audio/')) return { type: 'audio', data: blob, mimeType };
  }
  return readResource(resource);
}

function described(items: Json | undefined, keys: string[]): Json[] {
  if (!Array.isArray(items)) return [];
  return items.filter(isJsonObject).map((item) =>
    Object.fromEntries(
      keys.flatMap((key) => {
        const value = item[key];
        return value === undefined ? [] : [[key, readable(value)] as const];
      }),
    ),
  );
}

const readable = (value: Json): Json => (typeof value === 'string' ? capped(withoutInvisible(value), 2_048) : value);

const asJson = (value: JsonObject): ToolOutcome => ({
  content: [text(JSON.stringify(value, null, 1))],
  isError: false,
});
