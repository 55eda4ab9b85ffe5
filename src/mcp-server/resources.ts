/**
 * Tasks as resources: `task://{id}` is how a task stands and what was said in it, `task://{id}/journal` is all that is
 * recorded of it. Only its owner's; a foreign task is a resource that does not exist. They are nobody else's to cache.
 */
import { ResourceNotFoundError, ResourceTemplate, type McpServer } from '@modelcontextprotocol/server';
import { entriesOf } from '../agent/entries.ts';
import { NotFoundError } from '../errors.ts';
import { redacted } from '../log.ts';
import type { TaskRecord } from '../task/engine.ts';
import type { Task } from '../task/task.ts';
import type { Caller, ServeOptions } from './options.ts';
import { transcriptText } from './transcript-text.ts';

/** Newest first. */
const mostListed = 50;
/** They change with every step. */
export const ownCacheHint = { ttlMs: 0, cacheScope: 'private' } as const;
const json = 'application/json';
const markdown = 'text/markdown';

export function serveResources(server: McpServer, options: ServeOptions, { owner }: Caller): void {
  const { engine } = options;

  const recordOf = async (uri: string): Promise<TaskRecord> => {
    try {
      return await engine.record(taskIn(uri) ?? '', owner);
    } catch (error) {
      if (error instanceof NotFoundError) throw new ResourceNotFoundError(uri);
      throw error;
    }
  };

  server.registerResource(
    'task',
    new ResourceTemplate('task://{id}', {
      list: async () => ({ resources: (await engine.list({ owner, limit: mostListed })).map(listed) }),
    }),
    {
      title: 'Task',
      description: 'How a task stands, and what was said in it.',
      mimeType: markdown,
      cacheHint: ownCacheHint,
    },
    async ({ href: uri }) => {
      const record = await recordOf(uri);
      return {
        contents: [
          { uri, mimeType: markdown, text: redacted(transcriptText(record.task, entriesOf(record))) },
          { uri, mimeType: json, text: redacted(JSON.stringify(record.task, undefined, 2)) },
        ],
      };
    },
  );
  server.registerResource(
    'journal',
    new ResourceTemplate('task://{id}/journal', { list: undefined }),
    {
      title: 'Journal of a task',
      description: 'All that is recorded of a task: its steps, its calls, its questions and their answers.',
      mimeType: json,
      cacheHint: ownCacheHint,
    },
    async ({ href: uri }) => {
      const { steps, intents, questions } = await recordOf(uri);
      const calls = [...intents].map(([key, intent]) => ({ key, ...intent }));
      return { contents: [{ uri, mimeType: json, text: redacted(JSON.stringify({ steps, calls, questions })) }] };
    },
  );
}

/** The task that a resource is of; undefined where it is none of ours. */
export const taskIn = (uri: string): string | undefined => /^task:\/\/([\w-]+)(?:\/journal)?$/.exec(uri)?.[1];

const listed = ({ id, agent, status, createdAt, updatedAt }: Task) => ({
  uri: `task://${id}`,
  name: `${agent} ${id.slice(0, 8)}`,
  title: `${agent}, ${new Date(createdAt).toISOString().slice(0, 16).replace('T', ' ')}`,
  description: status.replaceAll('_', ' '),
  annotations: { lastModified: new Date(updatedAt).toISOString() },
});
