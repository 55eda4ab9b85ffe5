/** A small network on the real engine, behind the real server: what one Deputy finds at another. Run directly, it serves stdio. */
import { setTimeout as sleep } from 'node:timers/promises';
import { schemaCheck } from '../../src/json-schema.ts';
import { silentLog } from '../../src/log.ts';
import type { ServedAgent, ServeOptions } from '../../src/mcp-server/options.ts';
import { serveStdio } from '../../src/mcp-server/stdio.ts';
import { text } from '../../src/task/content.ts';
import type { StartTask } from '../../src/task/engine.ts';
import type { InputRequest } from '../../src/task/question.ts';
import type { Usage } from '../../src/task/usage.ts';
import { endless, FakeEngine, type FakeAgent } from '../mcp-server/fake-engine.ts';

const input = schemaCheck({ type: 'object' });
const agents: ServedAgent[] = ['worker', 'endless', 'reader', 'asker', 'payer', 'several', 'pages', 'witness'].map(
  (name) => ({
    name,
    description: `Is ${name}.`,
    input: { schema: { type: 'object' }, check: input },
    output: { schema: { type: 'object' } },
  }),
);

export const usage: Usage = {
  inputTokens: 100,
  outputTokens: 20,
  cachedInputTokens: 10,
  cacheWriteTokens: 5,
  reasoningTokens: 2,
  cost: 0.25,
};

const form = (message: string, more: Partial<InputRequest & { kind: 'form' }> = {}): InputRequest => ({
  kind: 'form',
  message,
  schema: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] },
  ...more,
});

/** The approval of a call two agents below `payer`. */
export const approval = {
  hash: 'a'.repeat(64),
  chain: ['payer', 'bank/teller'],
  tool: 'ledger/pay',
  bytes: '{"amount": 7, "to":"Ada"}',
  effect: 'unsafe' as const,
  rule: 'permissions.ask: ledger/*',
};

const done = (structuredContent: object): ReturnType<FakeAgent> =>
  Promise.resolve({ structuredContent: { ...structuredContent }, content: [text('done')], usage, agents: 2 });

const nameIn = (answer: { action: string }): string =>
  'content' in answer ? JSON.stringify(answer.content) : answer.action;

export function deputyNetwork(path?: string): { engine: FakeEngine; options: ServeOptions } {
  const engine: FakeEngine = new FakeEngine(
    {
      endless,
      /** Reads, and one below it does, without an end. */
      reader: async (work) => {
        const below = [{ chain: ['bank/teller'], line: 'counts' }];
        const call = { agent: 'reader', callId: '1', tool: 'files/read' };
        work.emit({ ...call, type: 'tool_start', args: {} });
        const branch = { agent: 'reader', callId: '2', tool: 'bank/teller' };
        await work.context.branch('2', async (told) =>
          told.emit({ ...branch, type: 'tool_progress', progress: 1, below }),
        );
        return endless(work);
      },
      worker: ({ task }) => done({ said: task.input['say'] ?? null }),
      asker: async ({ context }) => {
        const answer = await context.requestInput(
          'who',
          form('Who are you?', { chain: ['asker', 'helper'], words: 'Who?' }),
        );
        return done({ answer: nameIn(answer) });
      },
      payer: async ({ context }) => {
        const answer = await context.requestInput('pay', form('May I pay?', { approval, mustDecide: true }));
        return done({ answer: nameIn(answer) });
      },
      /** Each in a branch of its own, all in the same words. */
      several: async ({ context, task }) => {
        const asked = Array.from({ length: Number(task.input['many']) }, (_, nth) =>
          context.branch(`leaf ${nth}`, (branch) =>
            branch.requestInput('ok', form('May I?', { chain: ['several', `leaf${nth}`] })),
          ),
        );
        return done({ answers: (await Promise.all(asked)).map(nameIn) });
      },
      pages: async ({ context }) => {
        const request = { message: 'Look.', url: 'https://example.org/a', elicitationId: 'e-1' };
        const answer = await context.requestInput('page', {
          kind: 'url',
          ...request,
          chain: ['pages'],
          words: 'Look.',
        });
        return done({ answer: answer.action });
      },
      witness: async () =>
        done({ started: engine.started.length, cancelled: engine.cancelled.length, working: engine.working - 1 }),
    },
    path,
  );
  return {
    engine,
    options: {
      engine,
      lines: engine.lines,
      agents,
      name: 'lab',
      version: '1.0.0',
      identity: 'lab-id',
      log: silentLog,
      graceMs: 50,
    },
  };
}

if (import.meta.main) {
  const [path, slowly] = process.argv.slice(2);
  const { engine, options } = deputyNetwork(path === '' ? undefined : path);
  const start = engine.start.bind(engine);
  if (slowly !== undefined)
    Object.assign(engine, {
      start: async (request: StartTask) => {
        if (request.agent === 'endless') await sleep(Number(slowly));
        return start(request);
      },
    });
  await (
    await serveStdio(options)
  ).closed;
  await engine.close(0);
}
