/**
 * Two who have the same conversation with the same model: a task of the real engine on a store on disk, and the barest
 * loop there can be. What the model costs itself, whose prompt grows with every turn, is in both.
 */
import { fileURLToPath } from 'node:url';
import type { Agent } from '../../src/agent/agent.ts';
import { defaultLimits } from '../../src/agent/limits.ts';
import { runAgent } from '../../src/agent/loop.ts';
import type { AssistantMessage, Message } from '../../src/agent/model.ts';
import type { EffectTool } from '../../src/agent/tool.ts';
import { createEngine } from '../../src/engine/engine.ts';
import { openSqliteStore } from '../../src/engine/sqlite/store.ts';
import type { JsonObject } from '../../src/json.ts';
import { silentLog } from '../../src/log.ts';
import { createModel } from '../../src/providers/create-model.ts';
import { text, textOf } from '../../src/task/content.ts';
import { isTerminal } from '../../src/task/task.ts';

export interface Contestant {
  name: string;
  /** Has the conversation of so many turns; @returns its answer. */
  converse(turns: number): Promise<string>;
  close(): Promise<void>;
}

const echoOf = (args: JsonObject) => ({
  content: [text(typeof args['text'] === 'string' ? args['text'] : '')],
  isError: false,
});

/** Unsafe, as tools are of which nothing is said: its intent goes through a barrier. */
const echo: EffectTool = {
  kind: 'effect',
  id: 'bench/echo',
  name: 'echo',
  description: 'Says again what it is told.',
  inputSchema: { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] },
  effect: 'unsafe',
  pin: 'bench',
  check: () => undefined,
  async call(args, { commit }) {
    await commit(JSON.stringify(args), 'unsafe');
    return echoOf(args);
  },
};

const tools = [echo];
const instructions = 'Echo as often as you are told.';

const scripted = () =>
  createModel({
    provider: 'scripted',
    model: fileURLToPath(new URL('./script.ts', import.meta.url)),
    // Wide enough: a summary would make the conversation short again.
    contextWindow: 1e9,
    fallback: [],
  });

/** @param store a file that is not there yet. */
export function deputy(store: string): Contestant {
  const agent: Agent = {
    name: 'bench',
    description: 'Echoes.',
    instructions,
    model: scripted(),
    limits: { ...defaultLimits, turns: Infinity, toolCalls: Infinity, sameCall: Infinity },
    policy: { version: 'bench', judge: () => ({ decision: 'allow', rule: 'bench' }) },
    hooks: {},
    mayAskPeople: false,
    agents: [],
    tools: () => Promise.resolve(tools),
  };
  const engine = createEngine({
    store: openSqliteStore(store),
    handler: ({ input }, context) =>
      runAgent(agent, [{ role: 'user', content: [text(JSON.stringify(input['turns']))] }], context),
    log: silentLog,
  });
  const owner = 'bench';
  return {
    name: 'Deputy',
    async converse(turns) {
      const { id } = await engine.start({ agent: agent.name, input: { turns }, owner });
      for await (const event of engine.watch(id, owner)) {
        if (event.type !== 'status' || !isTerminal(event.task)) continue;
        const { task } = event;
        if (task.status !== 'completed') throw new Error(`The task of ${turns} turns is ${task.status}.`);
        return textOf(task.result.content);
      }
      throw new Error(`The task of ${turns} turns was never told to have ended.`);
    },
    close: () => engine.close(),
  };
}

export function bareLoop(): Contestant {
  const model = scripted();
  const { signal } = new AbortController();
  const callsOf = ({ content }: AssistantMessage) => content.filter((block) => block.type === 'tool_call');
  return {
    name: 'bare loop',
    async converse(turns) {
      const messages: Message[] = [{ role: 'user', content: [text(String(turns))] }];
      for (;;) {
        const { message } = await model.generate({ system: instructions, messages, tools, signal });
        const calls = callsOf(message);
        if (calls.length === 0) return textOf(message.content);
        const results = calls.map(({ id, args }) => ({
          type: 'tool_result' as const,
          callId: id,
          ...echoOf(args as JsonObject),
        }));
        messages.push(message, { role: 'user', content: results });
      }
    },
    close: () => Promise.resolve(),
  };
}
