/** An agent on the real loop whose model wants three unsafe calls side by side, each of which wants a person. */
import { runAgent } from '../../src/agent/loop.ts';
import type { Model } from '../../src/agent/model.ts';
import type { Policy } from '../../src/agent/policy.ts';
import type { JsonObject } from '../../src/json.ts';
import { serveHttp, type ServeHttpOptions } from '../../src/mcp-server/http.ts';
import { text, textOf } from '../../src/task/content.ts';
import type { Approval, Question } from '../../src/task/question.ts';
import type { Task } from '../../src/task/task.ts';
import { onTestFinished } from 'vitest';
import { calls, fakeAgent, fakeTool, ok, says } from '../agent/fakes.ts';
import { FakeEngine } from './fake-engine.ts';
import { fakeNetwork } from './network.ts';

export const rule = 'agents.yaml:7:5 ask server/write';
const askAlways: Policy = { version: 'test', judge: () => ({ decision: 'ask', rule }) };

/** Of the three calls, in their order. */
export const paths = ['first.txt', 'second.txt', 'third.txt'] as const;
export type Path = (typeof paths)[number];

/** Says what came of its calls, in their order. */
const model: Model = {
  id: 'fake/model',
  contextWindow: undefined,
  generate: async ({ messages }) => {
    const results = messages.flatMap(({ content }) =>
      content.flatMap((block) => (block.type === 'tool_result' ? [textOf(block.content)] : [])),
    );
    return results.length === 0 ? calls(paths.map((path) => ['write', { path }])) : says(results.join('; '));
  },
};

export interface Writer {
  url: string;
  engine: FakeEngine;
  /** The paths that were really written, in the order of their writing. */
  written: string[];
  /** Decides about the call with this path as a person at the command line does, in the one task there is. */
  cli: (path: Path, content: JsonObject) => Promise<void>;
  /** Of the one task there is. */
  task: () => Promise<Task>;
  /** By the path of the call. */
  questions: () => Promise<Record<string, Question>>;
}

/** A door of its own, closed with the test. */
export async function openWriter(more: Partial<ServeHttpOptions> = {}): Promise<Writer> {
  const written: string[] = [];
  const write = fakeTool('write', async (args, { commit, grant }) => {
    await commit(JSON.stringify(args), 'unsafe', grant);
    const path = typeof args['path'] === 'string' ? args['path'] : '?';
    written.push(path);
    return ok(`wrote ${path}`);
  });
  const agent = fakeAgent({ name: 'writer', model, tools: [write], policy: askAlways });
  const engine = new FakeEngine({
    writer: ({ task, context }) =>
      runAgent(agent, [{ role: 'user', content: [text(JSON.stringify(task.input))] }], context),
  });
  const { options } = fakeNetwork();
  const agents = [{ name: 'writer', description: 'Writes three files.' }];
  const door = await serveHttp({ ...options, graceMs: 20, ...more, engine, lines: engine.lines, agents });
  onTestFinished(async () => {
    await door.close(0);
    await engine.close(0);
  });
  const task = async (): Promise<Task> => {
    const [only, ...others] = await engine.list({ owner: 'local' });
    if (only === undefined || others.length > 0) throw new Error(`not one task but ${others.length + 1}`);
    return only;
  };
  return {
    url: door.url,
    engine,
    written,
    task,
    async cli(path, content) {
      const { id, ...now } = await task();
      const open = now.status === 'input_required' ? Object.entries(now.inputRequests) : [];
      const [key] = open.find(([, request]) => request.kind === 'form' && isAbout(request.approval, path)) ?? [];
      if (key === undefined) throw new Error(`${path} is not asked about`);
      await engine.respond(id, 'local', { [key]: { action: 'accept', content } }, { channel: 'cli' });
    },
    async questions() {
      const { questions } = await engine.record((await task()).id, 'local');
      const asked = questions.flatMap((question): [string, Question][] => {
        const path = paths.find((one) => question.request.kind === 'form' && isAbout(question.request.approval, one));
        return path === undefined ? [] : [[path, question]];
      });
      return Object.fromEntries(asked);
    },
  };
}

const isAbout = (approval: Approval | undefined, path: Path): boolean => approval?.bytes === JSON.stringify({ path });

/** Which call a form asks about, from what people see of it. */
export function pathIn(message: string): Path {
  const path = paths.find((one) => message.includes(one));
  if (path === undefined) throw new Error(`none of the calls: ${message}`);
  return path;
}
