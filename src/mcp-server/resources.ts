/**
 * Tasks as resources: `task://{id}` is how a task stands and what was said in it, `task://{id}/journal` is all that is
 * recorded of it, `task://{id}/artifacts/{artifact}` is what it kept beside. Only its owner's; a foreign task is a resource
 * that does not exist. They are nobody else's to cache.
 */
import { ResourceNotFoundError, ResourceTemplate, type McpServer } from '@modelcontextprotocol/server';
import { entriesOf } from '../agent/entries.ts';
import { NotFoundError } from '../errors.ts';
import { redacted } from '../log.ts';
import type { ArtifactInfo, Range, TaskRecord } from '../task/engine.ts';
import type { Task } from '../task/task.ts';
import type { Caller, ServeOptions } from './options.ts';
import { transcriptText } from './transcript-text.ts';

/** Newest first. */
const mostListed = 50;
/** They change with every step. */
export const ownCacheHint = { ttlMs: 0, cacheScope: 'private' } as const;
const json = 'application/json';
const markdown = 'text/markdown';
const plain = 'text/plain';

export function serveResources(server: McpServer, options: ServeOptions, { owner }: Caller): void {
  const { engine } = options;

  const orMissing = async <T>(uri: string, read: Promise<T>): Promise<T> => {
    try {
      return await read;
    } catch (error) {
      if (error instanceof NotFoundError) throw new ResourceNotFoundError(uri);
      throw error;
    }
  };
  const recordOf = (uri: string): Promise<TaskRecord> => orMissing(uri, engine.record(taskIn(uri) ?? '', owner));

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
      const { task } = record;
      const artifacts = (await orMissing(uri, engine.artifacts(task.id, owner))).map((info) => artifactOf(task, info));
      return {
        contents: [
          { uri, mimeType: markdown, text: redacted(transcriptText(task, entriesOf(record))) },
          { uri, mimeType: json, text: redacted(JSON.stringify({ ...task, artifacts }, undefined, 2)) },
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
  server.registerResource(
    'artifact',
    new ResourceTemplate('task://{id}/artifacts/{artifact}', { list: undefined }),
    {
      title: 'Artifact of a task',
      description:
        'What a task kept beside its journal: results too long for its model. The task says which there are.',
      mimeType: plain,
      cacheHint: ownCacheHint,
    },
    async ({ href: uri }) => {
      const { task, artifact } = partsOf(uri) ?? {};
      const kept = await orMissing(uri, engine.artifact(task ?? '', owner, artifact ?? '', whole));
      if (kept === undefined) throw new ResourceNotFoundError(uri);
      return { contents: [{ uri, mimeType: plain, text: redacted(kept.text) }] };
    },
  );
}

const whole: Range = { offset: 0, length: Number.MAX_SAFE_INTEGER };

const partsOf = (uri: string): { task?: string; artifact?: string } | undefined =>
  /^task:\/\/(?<task>[\w-]+)(?:\/journal|\/artifacts\/(?<artifact>[\w-]+))?$/.exec(uri)?.groups;

/** The task that a resource is of; undefined where it is none of ours. */
export const taskIn = (uri: string): string | undefined => partsOf(uri)?.task;

const artifactOf = ({ id }: Task, { id: artifact, name, total, at }: ArtifactInfo) => ({
  uri: `task://${id}/artifacts/${artifact}`,
  name,
  characters: total,
  at,
});

const listed = ({ id, agent, status, createdAt, updatedAt }: Task) => ({
  uri: `task://${id}`,
  name: `${agent} ${id.slice(0, 8)}`,
  title: `${agent}, ${new Date(createdAt).toISOString().slice(0, 16).replace('T', ' ')}`,
  description: status.replaceAll('_', ' '),
  annotations: { lastModified: new Date(updatedAt).toISOString() },
});
