/** The MUSTs of the specification that this server relies on us to keep, a row each. Tests name them by id. */
export interface Requirement {
  id: string;
  source: string;
  text: string;
}

const http2026 = '2026-07-28 basic/transports/streamable-http';
const http2025 = '2025-11-25 basic/transports';
const mrtr2026 = '2026-07-28 basic/patterns/mrtr';
const tasks2025 = '2025-11-25 basic/utilities/tasks';
const tasks2026 = 'io.modelcontextprotocol/tasks specification/draft/tasks';

export const requirements: Requirement[] = [
  {
    id: 'ORIGIN',
    source: http2026,
    text: 'Servers MUST validate the Origin header; if present and invalid, MUST respond with HTTP 403.',
  },
  {
    id: 'STREAM-CLOSED',
    source: http2026,
    text: 'Closing the SSE response stream MUST be treated as cancellation of that request.',
  },
  {
    id: 'VERSION-HEADER',
    source: http2026,
    text: 'A protocol version header that differs from the body MUST be rejected with 400 and HeaderMismatch.',
  },
  {
    id: 'PARAM-HEADER',
    source: http2026,
    text: 'A request whose Mcp-Param header does not match the argument in the body MUST be rejected.',
  },
  {
    id: 'METHOD-404',
    source: http2026,
    text: 'An RPC method that is not implemented MUST be answered with 404 and -32601.',
  },
  {
    id: 'NOTIFICATION-202',
    source: http2026,
    text: 'An accepted notification MUST be answered with 202 Accepted and no body.',
  },
  {
    id: 'CAPABILITY',
    source: '2026-07-28 basic',
    text: 'A request that needs a capability its client did not declare MUST be answered with -32021 (HTTP 400).',
  },
  {
    id: 'CODES',
    source: '2026-07-28 basic, Error Codes',
    text: 'New codes MUST NOT be allocated from -32000 to -32019, and none of -32020 to -32099 beyond the defined.',
  },
  {
    id: 'SILENCE',
    source: '2026-07-28 basic/patterns/cancellation',
    text: 'No response is sent for a request that was cancelled.',
  },
  {
    id: 'STDIO-CANCEL',
    source: '2026-07-28 basic/patterns/cancellation',
    text: 'On stdio a client cancels by notifications/cancelled; the server stops work.',
  },
  {
    id: 'PROGRESS-INCREASES',
    source: '2026-07-28 basic/patterns/progress',
    text: 'The progress value MUST increase with each notification.',
  },
  {
    id: 'PROGRESS-TOKEN',
    source: '2026-07-28 basic/patterns/progress',
    text: 'Progress notifications MUST only reference tokens that were given in an active request.',
  },
  {
    id: 'PROGRESS-STOPS',
    source: '2026-07-28 basic/patterns/progress',
    text: 'Progress notifications MUST stop after completion.',
  },
  {
    id: 'LOG-LEVEL',
    source: '2026-07-28 server/utilities/logging',
    text: 'Without a logLevel in the request, the server MUST NOT send notifications/message for it.',
  },
  {
    id: 'TOOLS-CAPABILITY',
    source: '2026-07-28 server/tools',
    text: 'Servers that support tools MUST declare the tools capability and answer tools/list.',
  },
  {
    id: 'VALIDATE-INPUT',
    source: '2026-07-28 server/tools',
    text: 'Servers MUST validate all tool inputs.',
  },
  {
    id: 'OUTPUT-SCHEMA',
    source: '2026-07-28 server/tools',
    text: 'With an output schema, servers MUST provide structured results that conform to it.',
  },
  {
    id: 'DISCONNECT-2025',
    source: http2025,
    text: 'Disconnection SHOULD NOT be interpreted as the client cancelling its request.',
  },
  {
    id: 'CANCEL-2025',
    source: '2025-11-25 basic/utilities/cancellation',
    text: 'A client cancels by notifications/cancelled; no response is sent afterwards.',
  },
  {
    id: 'SESSION-404',
    source: http2025,
    text: 'After a session is terminated, requests with its id MUST be answered with 404.',
  },
  {
    id: 'SESSION-400',
    source: http2025,
    text: 'Requests without a session id, other than initialization, SHOULD be answered with 400.',
  },
  {
    id: 'REPLAY',
    source: http2025,
    text: 'Replayed are messages of the disconnected stream only, MUST NOT be those of another stream.',
  },
  {
    id: 'STDOUT',
    source: http2025,
    text: 'The server MUST NOT write anything to its stdout that is not a valid MCP message.',
  },
  {
    id: 'TASK-CREATED',
    source: tasks2026,
    text: 'A server MUST NOT return CreateTaskResult until the task is durably created, and MUST set resultType "task".',
  },
  {
    id: 'TASK-UNDECLARED',
    source: tasks2026,
    text: 'A server MUST NOT return CreateTaskResult to a client that did not declare the extension on its request.',
  },
  {
    id: 'TASK-ADVERTISED',
    source: tasks2026,
    text: 'The server declares support for the extension in server/discover.',
  },
  {
    id: 'TASK-RESULT',
    source: tasks2026,
    text: 'A completed task MUST be returned with the result of the request in it; resultType MUST be "complete".',
  },
  {
    id: 'TASK-FAILED',
    source: tasks2026,
    text: 'The status failed MUST NOT be used for errors other than JSON-RPC errors, and MUST carry that error.',
  },
  {
    id: 'TASK-INPUT',
    source: tasks2026,
    text: 'inputRequests MUST contain all outstanding requests; responses to keys that are not outstanding are ignored.',
  },
  {
    id: 'TASK-PARTIAL',
    source: tasks2026,
    text: 'With a partial set of responses the task remains in input_required until the remaining ones arrive.',
  },
  {
    id: 'TASK-CANCEL',
    source: tasks2026,
    text: 'The server MUST acknowledge tasks/cancel with an empty result.',
  },
  {
    id: 'TASK-CAPABILITY',
    source: tasks2026,
    text: 'Non-declaring clients issuing tasks/get, tasks/update or tasks/cancel MUST get -32021.',
  },
  {
    id: 'TASK-HEADER',
    source: tasks2026,
    text: 'For tasks/get, tasks/update and tasks/cancel Mcp-Name MUST be the task id; a mismatch is refused.',
  },
  {
    id: 'LISTEN-TASKS',
    source: tasks2026,
    text: 'Each notifications/tasks carries the complete DetailedTask, as tasks/get would have returned it.',
  },
  {
    id: 'LISTEN-CAPABILITY',
    source: tasks2026,
    text: 'A client that asks for task notifications without declaring the extension MUST get -32021.',
  },
  {
    id: 'LISTEN-ACK',
    source: '2026-07-28 basic/patterns/subscriptions',
    text: 'The acknowledgement MUST be the first message of a subscription; every message carries the subscription id.',
  },
  {
    id: 'LISTEN-END',
    source: '2026-07-28 basic/patterns/subscriptions',
    text: 'A server that ends a subscription SHOULD answer the listen request with a completion.',
  },
  {
    id: 'OWNERS',
    source: tasks2026,
    text: 'Servers MUST check on each task-related request that the client may access the task.',
  },
  {
    id: 'ASK-DECLARED',
    source: mrtr2026,
    text: 'Servers MUST NOT send an input request, or an elicitation mode, that the client has not declared.',
  },
  {
    id: 'IDEMPOTENT',
    source: 'ours',
    text: 'The same idempotency key of the same owner for the same agent is the same task.',
  },
  {
    id: 'ROUND',
    source: mrtr2026,
    text: 'An input_required result MUST include inputRequests or requestState; the retry completes the request.',
  },
  {
    id: 'ROUND-MISSING',
    source: mrtr2026,
    text: 'Missing responses SHOULD be requested again; unexpected ones SHOULD be ignored.',
  },
  {
    id: 'ROUND-ONCE',
    source: mrtr2026,
    text: 'Servers for which state must be consumed at most once MUST enforce that themselves.',
  },
  {
    id: 'ROUND-WAIT',
    source: mrtr2026,
    text: 'A result without inputRequests MAY be retried at once, with the exact requestState.',
  },
  {
    id: 'STATE-SEALED',
    source: mrtr2026,
    text: 'requestState is attacker-controlled: state that fails verification MUST be rejected; it SHOULD be bound to principal and request.',
  },
  {
    id: 'STATE-RESTART',
    source: 'ours',
    text: 'A requestState and its task survive a restart of the server.',
  },
  {
    id: 'TASKS-CREATE',
    source: tasks2025,
    text: 'A task-augmented request that is accepted MUST be answered with a CreateTaskResult; tasks begin as working.',
  },
  {
    id: 'TASKS-TTL',
    source: tasks2025,
    text: 'tasks/get MUST tell the actual ttl, which MAY override the one requested.',
  },
  {
    id: 'TASKS-RESULT',
    source: tasks2025,
    text: 'tasks/result MUST block until the task is terminal, and return exactly what the request would have returned.',
  },
  {
    id: 'TASKS-RELATED',
    source: tasks2025,
    text: 'All that belongs to a task MUST name it in related-task metadata, the result of tasks/result included.',
  },
  {
    id: 'TASKS-INPUT',
    source: tasks2025,
    text: 'Who meets input_required SHOULD call tasks/result, and is asked there; clients take requests from any stream.',
  },
  {
    id: 'TASKS-FAILED',
    source: tasks2025,
    text: 'A tool result with isError makes a failed task; a JSON-RPC error is returned by tasks/result as it was.',
  },
  {
    id: 'TASKS-CANCEL',
    source: tasks2025,
    text: 'A task MUST be cancelled before the answer to tasks/cancel, stay so, and be refused with -32602 when terminal.',
  },
  {
    id: 'TASKS-UNKNOWN',
    source: tasks2025,
    text: 'An invalid or nonexistent taskId MUST be refused with -32602.',
  },
  {
    id: 'TASKS-LIST',
    source: tasks2025,
    text: 'What tasks/get finds MUST be in tasks/list; nextCursor MUST be there while there are more; a bad cursor is -32602.',
  },
  {
    id: 'TASKS-SUPPORT',
    source: tasks2025,
    text: 'A tool without task support refuses augmentation with -32601.',
  },
  {
    id: 'TASKS-VERSION',
    source: tasks2025,
    text: 'Receivers that did not declare tasks MUST ignore augmentation and serve the request normally.',
  },
  {
    id: 'TASKS-PROGRESS',
    source: tasks2025,
    text: 'The progressToken of the request is valid as long as its task.',
  },
  {
    id: 'ELICIT-MODES',
    source: '2025-11-25 client/elicitation',
    text: 'Servers MUST NOT send a mode, or a kind of request, that the client did not declare.',
  },
  {
    id: 'ELICIT-ACTIONS',
    source: '2025-11-25 client/elicitation',
    text: 'Decline is a no that was said; cancel is no answer.',
  },
  {
    id: 'HANDLE',
    source: 'ours',
    text: 'A caller that can neither wait nor be asked gets the handle of its task, and tools to look after it.',
  },
  {
    id: 'ONE-TASK',
    source: 'ours',
    text: 'A task is one on every rung: watched, answered and cancelled by its owner whichever wire started it.',
  },
];
