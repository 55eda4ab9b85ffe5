/** One line from a server as a JSON-RPC message; the SDK checks the rest of its shape. */
import type { JSONRPCMessage } from '@modelcontextprotocol/client';
import { isJsonObject, type JsonObject } from '../json.ts';

/** @returns undefined for noise. */
export function messageIn(line: string): JSONRPCMessage | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const value: unknown = JSON.parse(line);
    if (!isJsonObject(value) || value['jsonrpc'] !== '2.0') return undefined;
    return isBrokenAnswer(value) ? refused(value) : (value as JSONRPCMessage);
  } catch {
    return undefined;
  }
}

/** The SDK drops an answer of the wrong shape, and its request would wait for the time-out. */
function isBrokenAnswer({ id, method, result, error }: JsonObject): boolean {
  if (method !== undefined || (typeof id !== 'number' && typeof id !== 'string')) return false;
  if (error === undefined) return !isJsonObject(result);
  return !isJsonObject(error) || !Number.isInteger(error['code']) || typeof error['message'] !== 'string';
}

const refused = ({ id, error }: JsonObject): JSONRPCMessage => ({
  jsonrpc: '2.0',
  id: id as number | string,
  error: {
    code: -32_603,
    message:
      error === undefined
        ? 'its answer is no object'
        : `it failed without a code and a message: ${JSON.stringify(error)}`,
  },
});

/** Notifications that nobody here reads (logging, resource updates) are dropped before they cost anything. */
const wanted = new Set([
  'notifications/progress',
  'notifications/cancelled',
  'notifications/tools/list_changed',
  'notifications/prompts/list_changed',
  'notifications/resources/list_changed',
  'notifications/subscriptions/acknowledged',
  'notifications/elicitation/complete',
  'notifications/tasks',
  'notifications/tasks/status',
]);

export const isNotification = (message: JSONRPCMessage): boolean => 'method' in message && !('id' in message);

export const isRequest = (message: JSONRPCMessage): boolean => 'method' in message && 'id' in message;

export const isOfInterest = (message: JSONRPCMessage): boolean =>
  !('method' in message) || 'id' in message || wanted.has(message.method);
