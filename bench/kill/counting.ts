/** A tool server that does nothing but leave a line for every effect, before which and after which it takes its time. */
import { appendFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';

export interface Rpc {
  id?: number | string;
  method: string;
  params?: {
    protocolVersion?: string;
    name?: string;
    arguments?: { order?: unknown };
    _meta?: Record<string, unknown>;
  };
}

/** Milliseconds before the effect, and again before the answer. */
const longest = 25;

const inputSchema = { type: 'object', properties: { order: { type: 'string' } }, required: ['order'] };
const tools = ['pay', 'put', 'look'].map((name) => ({ name, description: `Does ${name}.`, inputSchema }));
const about = { capabilities: { tools: {} }, serverInfo: { name: 'counting', version: '1.0.0' } };

/** @returns undefined for a notification. */
export async function answerTo({ id, method, params }: Rpc, effects: string): Promise<object | undefined> {
  if (id === undefined) return undefined;
  const result = await resultOf(method, params, effects);
  if (result === undefined) return { jsonrpc: '2.0', id, error: { code: -32601, message: `No ${method} here.` } };
  return { jsonrpc: '2.0', id, result };
}

async function resultOf(method: string, params: Rpc['params'], effects: string): Promise<object | undefined> {
  switch (method) {
    case 'initialize':
      return { protocolVersion: '2025-11-25', ...about };
    case 'ping':
      return {};
    case 'tools/list':
      return { tools };
    case 'tools/call': {
      await wait(Math.random() * longest);
      appendFileSync(effects, `${params?.name} ${String(params?.arguments?.order)}\n`);
      await wait(Math.random() * longest);
      return { content: [{ type: 'text', text: `${params?.name} done` }] };
    }
    default:
      return undefined;
  }
}
