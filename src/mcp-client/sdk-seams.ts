/**
 * Everything about the protocol's two eras and about `@modelcontextprotocol/client` 2.4 that one has to know twice.
 * `test/mcp-client/sdk-seams.test.ts` holds each of these and fails when the SDK changes:
 *
 * 1. `versionNegotiation` is `legacy` unless told otherwise. With `auto`, the SDK probes its own stdio transport on a
 *    second process, spawned and thrown away for each connect; a transport of another class that has `stderr` and
 *    `pid` is probed in place, so one start is enough. Silence then means 2025. A child that exits on the probe (the
 *    official Rust SDK's does) fails the connect: it is started once more with the verdict `legacy`.
 * 2. `connect({prior})` with a modern verdict asks nothing and opens no `subscriptions/listen`; so a modern server is
 *    probed again (one round trip, which shows that it lives), a legacy one gets `prior`, and we listen ourselves.
 * 3. `listTools()` and its siblings print to *stdout* (`console.debug`) where the server lacks the capability, which
 *    would break a protocol or an answer there: capabilities are asked first.
 * 4. `callTool()` compiles the cached `outputSchema` with a backtracking engine and runs it on the result; one hostile
 *    pattern froze it for 11 s. Calls go through `request()` with a schema that lets everything pass, and the result is
 *    read by `outcome.ts`; that also spares two zod passes in the 2025 era. Only a tool that mirrors arguments into
 *    HTTP headers (SEP-2243, 2026) goes through `callTool()`, with a definition that has no `outputSchema`.
 * 5. A POST whose event stream ends without an answer leaves its request waiting for the time-out.
 * 6. A cancelled 2025 request is told to the server, but its event stream stays open; in 2026 closing it is the cancel.
 * 7. Responses over HTTP have no bound, and the timer of a stream's reconnection keeps the process alive.
 * 8. `maxTotalTimeout` is looked at only when progress arrives: the hard time-out is our own timer.
 * 9. An abort is rejected as `SdkError(REQUEST_TIMEOUT)` with the reason as text: whoever aborted must remember it.
 * 10. In 2026 an answer of a kind that was not asked for is an error, but `input_required` is handed over where the
 *    call says `allowInputRequired`. In 2025 a task answer passes as a result without content.
 * 11. In 2026 a task answer is an error that has lost the task. The transports put it in the form of 2025 before the SDK
 *    sees it (`inOneForm`), and a protected method of the client declares the extension with each request of 2026.
 * 12. `listen()` sends whatever filter it is given, but what the server says of `taskIds` is lost with its answer: only
 *    the first notification shows that it works.
 * 13. A request for a question and its answer are checked against the SDK's own shapes, which know nothing of tasks: a
 *    protected method lets them through, where the request was offered.
 * 14. The SDK never declares tasks of ours, so they are put into the `initialize` of 2025.
 * 15. A notification is handled a microtask after it came, an answer at once: progress that comes in one piece with its
 *    answer is lost, unless the answer comes a microtask later. Over HTTP the SDK's own reader sees to that.
 */
import {
  Client,
  type ClientCapabilities,
  type JSONRPCMessage,
  type RequestOptions,
  type ServerCapabilities,
  type StandardSchemaV1,
  type VersionNegotiationMode,
} from '@modelcontextprotocol/client';
import { isJsonObject, type JsonObject } from '../json.ts';
import { bounds, mayAskPeople, type Offer, type ServerOptions } from './options.ts';
import type { Asked } from './relay.ts';

/** Seam 4: the value as it came. */
const asItCame: StandardSchemaV1<unknown, unknown> = {
  '~standard': { version: 1, vendor: 'deputy', validate: (value) => ({ value }) },
};

/** Seam 4: the SDK would make an Ajv for each client, and use it on schemas from outside. */
const noValidator = {
  getValidator: () => (input: unknown) => ({ valid: true as const, data: input as never, errorMessage: undefined }),
};

const tasksExtension = 'io.modelcontextprotocol/tasks';
const clientCapabilities = 'io.modelcontextprotocol/clientCapabilities';

/** Seam 11: to servers of 2025 the extension is never named. */
class TaskAwareClient extends Client {
  /** Seam 13. */
  protected override _wrapHandler(
    _method: string,
    handler: Parameters<Client['_wrapHandler']>[1],
  ): Parameters<Client['_wrapHandler']>[1] {
    return handler;
  }

  protected override _outboundMetaEnvelope(): Readonly<Record<string, unknown>> | undefined {
    const envelope = super._outboundMetaEnvelope();
    const declared = envelope?.[clientCapabilities];
    if (envelope === undefined || !isJsonObject(declared)) return envelope;
    return { ...envelope, [clientCapabilities]: { ...declared, extensions: { [tasksExtension]: {} } } };
  }
}

export function newClient(
  version: string,
  probeMs: number,
  offer: Offer & Pick<ServerOptions, 'protocol'> = {},
): Client {
  return new TaskAwareClient(
    { name: 'deputy', version },
    {
      capabilities: capabilitiesOf(offer),
      versionNegotiation: { mode: modeOf(offer.protocol), probe: { timeoutMs: probeMs } },
      jsonSchemaValidator: noValidator,
      listMaxPages: bounds.pages,
    },
  );
}

/** Pinned, there is no falling back. */
function modeOf(protocol: ServerOptions['protocol']): VersionNegotiationMode {
  if (protocol === undefined) return 'auto';
  return protocol === '2025-11-25' ? 'legacy' : { pin: protocol };
}

/** What it may not ask is not declared, roots never. */
const capabilitiesOf = ({ sampling, urlHosts = [], ...offer }: Offer): ClientCapabilities => ({
  ...(mayAskPeople(offer) && { elicitation: { form: {}, ...(urlHosts.length > 0 && { url: {} }) } }),
  ...(sampling === true && { sampling: { tools: {} } }),
});

/** Milliseconds, as many as a timer can take: our own clock knows when a call is over. */
export const noTimeout = 2_147_483_647;

/** @throws ProtocolError, SdkError; TypeError where the answer is no object. */
export async function ask(
  client: Client,
  method: string,
  params: JsonObject,
  options: RequestOptions,
): Promise<JsonObject> {
  const result = await client.request({ method, params }, asItCame, { ...options, allowInputRequired: true });
  if (!isJsonObject(result)) throw new TypeError(`${method} was answered with no object`);
  return result;
}

/** Seam 11. */
export function inOneForm(message: JSONRPCMessage): JSONRPCMessage {
  if (!('result' in message)) return message;
  const { resultType, _meta, ...task } = message.result;
  if (resultType !== 'task') return message;
  const meta = _meta === undefined ? {} : { _meta };
  return { ...message, result: { ...meta, resultType: 'complete', content: [], task } };
}

export interface CallTarget {
  ownName: string;
  inputSchema: JsonObject;
  /** 2025: whether the tool runs as a task. */
  taskSupport: 'forbidden' | 'optional' | 'required';
  /** Its schema names `x-mcp-header`s. */
  mirrorsHeaders: boolean;
}

/**
 * `tools/call` in the form that the era wants.
 * @param members `arguments`, and what else stands beside them
 */
export async function askTool(
  client: Client,
  tool: CallTarget,
  members: JsonObject,
  options: RequestOptions,
): Promise<JsonObject> {
  const params = { name: tool.ownName, ...members };
  if (!tool.mirrorsHeaders || client.getProtocolEra() !== 'modern') return ask(client, 'tools/call', params, options);
  const toolDefinition = { name: tool.ownName, inputSchema: { ...tool.inputSchema, type: 'object' as const } };
  const result: unknown = await client.callTool(params, { ...options, allowInputRequired: true, toolDefinition });
  if (!isJsonObject(result)) throw new TypeError('tools/call was answered with no object');
  return result;
}

/** 2025: the server makes tasks of calls when asked. In 2026 it decides alone. */
export const makesTasks = (client: Client): boolean => tasksOf(client, 'requests', 'tools', 'call') !== undefined;

/** 2025: tasks can be cancelled only where that is declared. */
export const cancelsTasks = (client: Client): boolean =>
  client.getProtocolEra() === 'modern' || tasksOf(client, 'cancel') !== undefined;

function tasksOf(client: Client, ...path: string[]): unknown {
  if (client.getProtocolEra() === 'modern') return undefined;
  let at: unknown = client.getServerCapabilities();
  for (const key of ['tasks', ...path]) at = isJsonObject(at) ? at[key] : undefined;
  return at;
}

/** Hears of tasks: unasked in 2025, where `listenToTask` was called in 2026. */
export function hearTasks(client: Client, onTask: (params: unknown) => void): void {
  for (const method of ['notifications/tasks', 'notifications/tasks/status'])
    client.setNotificationHandler(method, { params: asItCame }, onTask);
}

/** 2025: a page that a person was asked to open was seen to. */
export const hearPages = (client: Client, onPage: (params: unknown) => void): void =>
  client.setNotificationHandler('notifications/elicitation/complete', { params: asItCame }, onPage);

/**
 * 2025: what the server asks of us; what it was not offered is refused by the SDK. (In 2026 it asks by its answers.)
 * @param onAsked its result is sent as it is; an error with a `code` as a JSON-RPC error
 */
export function hearRequests(
  client: Client,
  offer: Offer,
  onAsked: (asked: Asked, signal: AbortSignal) => Promise<JsonObject>,
): void {
  const methods = [
    ...(mayAskPeople(offer) ? ['elicitation/create'] : []),
    ...(offer.sampling === true ? ['sampling/createMessage'] : []),
  ];
  for (const method of methods.length === 0 ? [] : [...methods, ...ofTasks])
    client.setRequestHandler(method, { params: asItCame }, (params, { mcpReq }) =>
      onAsked(
        { method, params: { ...objectOr(params), ...(mcpReq._meta && { _meta: mcpReq._meta as JsonObject }) } },
        mcpReq.signal,
      ),
    );
}

const ofTasks = ['tasks/get', 'tasks/result', 'tasks/list', 'tasks/cancel'];
const objectOr = (value: unknown): JsonObject => (isJsonObject(value) ? value : {});

/** Seam 14. */
export function toldOfTasks(message: JSONRPCMessage): JSONRPCMessage {
  if (!('method' in message) || message.method !== 'initialize') return message;
  const declared = message.params?.['capabilities'];
  if (!isJsonObject(declared)) return message;
  const { elicitation, sampling } = declared;
  if (elicitation === undefined && sampling === undefined) return message;
  const requests = {
    ...(elicitation !== undefined && { elicitation: { create: {} } }),
    ...(sampling !== undefined && { sampling: { createMessage: {} } }),
  };
  const capabilities = { ...declared, tasks: { list: {}, cancel: {}, requests } };
  return { ...message, params: { ...message.params, capabilities } };
}

/**
 * 2026: is told of one task, until the signal or the server ends it.
 * @returns whether that is offered. @throws SdkError, ProtocolError where it cannot be had now.
 */
export async function listenToTask(client: Client, id: string, options: RequestOptions): Promise<boolean> {
  if (
    client.getProtocolEra() !== 'modern' ||
    client.getServerCapabilities()?.extensions?.[tasksExtension] === undefined
  )
    return false;
  const filter: Record<string, unknown> = { taskIds: [id] };
  const { closed } = await client.listen(filter, options);
  await closed;
  return true;
}

/** Where a tool's header declarations are checked, the SDK must walk the list: it leaves out tools that break them. */
export const mustListBySdk = (client: Client, kind: 'stdio' | 'http'): boolean =>
  kind === 'http' && client.getProtocolEra() === 'modern';

/** Seam 3. */
export const can = (client: Client, capability: 'tools' | 'resources' | 'prompts'): boolean =>
  client.getServerCapabilities()?.[capability] !== undefined;

/** Shows that the server listens; `ping` is gone from 2026-07-28. */
export async function proveLife(client: Client, timeout: number): Promise<void> {
  if (client.getProtocolEra() === 'modern') await client.discover({ timeout });
  else await client.ping({ timeout });
}

export type ListKind = 'tools' | 'prompts' | 'resources';
const kinds: readonly ListKind[] = ['tools', 'prompts', 'resources'];

/** Hears of changed lists: unasked in 2025, through a subscription in 2026. */
export function hearListChanges(
  client: Client,
  onChange: (kind: ListKind) => void,
  onError: (error: unknown) => void,
): void {
  for (const kind of kinds) client.setNotificationHandler(`notifications/${kind}/list_changed`, () => onChange(kind));
  const told = kinds.filter((kind) => tellsChanges(client.getServerCapabilities(), kind));
  if (client.getProtocolEra() === 'modern' && told.length > 0) keepListening(client, told, onChange).catch(onError);
}

const tellsChanges = (capabilities: ServerCapabilities | undefined, kind: ListKind): boolean =>
  capabilities?.[kind]?.listChanged === true;

/** A subscription that ended may have missed changes: that counts as a change of every list. */
async function keepListening(client: Client, told: ListKind[], onChange: (kind: ListKind) => void): Promise<void> {
  const filter = Object.fromEntries(told.map((kind) => [`${kind}ListChanged`, true]));
  for (let wait = 1_000; client.transport !== undefined; wait = Math.min(wait * 2, 60_000)) {
    const subscription = await client.listen(filter);
    if ((await subscription.closed) === 'local' || client.transport === undefined) return;
    for (const kind of told) onChange(kind);
    await new Promise((resolve) => {
      setTimeout(resolve, wait).unref();
    });
  }
}
