/** Subscriptions to tasks over stdio: below the SDK, which serves subscriptions itself, in its transport. */
import { ProtocolError, SUBSCRIPTION_ID_META_KEY, type JSONRPCMessage } from '@modelcontextprotocol/server';
import type { Readable, Writable } from 'node:stream';
import { messageOf } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import type { ServeOptions } from './options.ts';
import { StdioTransport } from './sdk-seams.ts';
import {
  acknowledged,
  completion,
  honored,
  taskListenOf,
  tellTasks,
  withTasks,
  type TaskFilter,
  type TaskListen,
} from './task-listen.ts';

interface OpenListen {
  listen: TaskListen;
  over: AbortController;
}

export class TaskListenTransport extends StdioTransport {
  readonly #options: ServeOptions;
  readonly #owner: string;
  readonly #open = new Map<unknown, OpenListen>();

  constructor(
    options: ServeOptions,
    owner: string,
    stdio: { stdin: Readable; stdout: Writable; maxBufferSize: number; onClosed: () => void },
  ) {
    super(stdio.stdin, stdio.stdout, stdio.maxBufferSize, stdio.onClosed);
    this.#options = options;
    this.#owner = owner;
  }

  override async start(): Promise<void> {
    const receive = this.onmessage;
    const onmessage: typeof receive = (message, ...more) => {
      const passed = this.#receive(message);
      if (passed !== undefined) receive?.(passed, ...more);
    };
    Object.assign(this, { onmessage });
    await super.start();
  }

  override async send(message: JSONRPCMessage): Promise<void> {
    const id = subscriptionOf(message);
    const open = id === undefined ? undefined : this.#open.get(id);
    const said = acknowledged(message);
    if (open === undefined || said === undefined) {
      if (open !== undefined && 'id' in message) this.#end(id);
      return super.send(message);
    }
    const own = await honored(this.#options, this.#owner, open.listen);
    await super.send(withTasks(message as unknown as JsonObject, own) as unknown as JSONRPCMessage);
    void this.#tell(open, own, Object.keys(said).length === 0);
  }

  override async close(): Promise<void> {
    for (const id of this.#open.keys()) this.#end(id);
    await super.close();
  }

  /** What the SDK is to see of a message; undefined for nothing. */
  #receive(message: JSONRPCMessage): JSONRPCMessage | undefined {
    if ('method' in message && message.method === 'notifications/cancelled') this.#end(message.params?.['requestId']);
    try {
      const listen = taskListenOf(message);
      if (listen === undefined) return message;
      this.#open.set(listen.id, { listen, over: new AbortController() });
      return listen.rest;
    } catch (error) {
      if (!(error instanceof ProtocolError) || !('id' in message)) throw error;
      const { code, message: text, data } = error;
      const fault = { code, message: text, ...(data !== undefined && { data }) };
      this.#send({ jsonrpc: '2.0', id: message.id, error: fault });
      return undefined;
    }
  }

  async #tell({ listen, over }: OpenListen, own: TaskFilter, isAlone: boolean): Promise<void> {
    const outlet = { send: (message: JSONRPCMessage) => this.#send(message), isBehind: () => this.isBehind };
    await tellTasks(this.#options, this.#owner, listen, own, over.signal, outlet);
    if (over.signal.aborted || !isAlone) return;
    this.#end(listen.id);
    this.#send(completion(listen) as unknown as JSONRPCMessage);
    // The SDK must not complete it a second time.
    this.onmessage?.({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: listen.id } });
  }

  #end(id: unknown): void {
    this.#open.get(id)?.over.abort();
    this.#open.delete(id);
  }

  #send(message: JSONRPCMessage): void {
    super.send(message).catch((error: unknown) => this.#options.log.debug({ err: messageOf(error) }, 'stdio'));
  }
}

/** Which subscription an outgoing message is of: its acknowledgement, or the reply that ends it. */
function subscriptionOf(message: JSONRPCMessage): unknown {
  if (!('method' in message)) return 'id' in message ? message.id : undefined;
  return message.params?.['_meta']?.[SUBSCRIPTION_ID_META_KEY];
}
