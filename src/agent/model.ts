/** The model port, in neutral vocabulary. Providers translate; the loop never sees a provider's shape. */
import type { Content, TextContent } from '../task/content.ts';
import type { Json, JsonObject } from '../json.ts';
import type { Usage } from '../task/usage.ts';

export type ToolCall = {
  type: 'tool_call';
  /** Unique within its message: a provider that sends the same id twice is corrected by its adapter. */
  id: string;
  name: string;
  args: Json;
  /** The arguments as the model wrote them, where they are no JSON; `args` is then null. */
  malformed?: string;
};

export type Thinking = { type: 'thinking'; text: string };

export type ToolResult = { type: 'tool_result'; callId: string; content: Content[]; isError: boolean };

export type UserMessage = { role: 'user'; content: (Content | ToolResult)[] };
export type AssistantMessage = {
  role: 'assistant';
  content: (TextContent | Thinking | ToolCall)[];
  /**
   * The message in its provider's own shape, for sending back unchanged (signatures, encrypted reasoning).
   * Only the adapter named in `by` may read `value`; every other one rebuilds the message from `content`.
   */
  native?: { by: string; value: Json };
};
export type Message = UserMessage | AssistantMessage;

export interface ToolSpec {
  /** As the model sees it: `[a-zA-Z0-9_-]{1,64}`. */
  name: string;
  description: string;
  /** JSON Schema 2020-12 with `type: object`. */
  inputSchema: JsonObject;
}

export type ModelDelta = { type: 'text' | 'thinking'; text: string };

export interface ModelRequest {
  system: string;
  messages: readonly Message[];
  tools: readonly ToolSpec[];
  /** JSON Schema that the final answer's text must fit, where the provider can hold the model to it. */
  output?: JsonObject;
  /** The longest reply, where the asker wants a shorter one than the model is configured for. */
  maxTokens?: number;
  /** Default: the model decides whether it calls a tool. */
  toolChoice?: 'required' | 'none';
  /** Same value for every turn of one conversation: lets providers find their prompt cache. */
  cacheKey?: string;
  /** For whom: models with a bound share it fairly among owners. */
  owner?: string;
  signal: AbortSignal;
  /** Given where somebody listens: the reply must then be streamed. */
  onDelta?: (delta: ModelDelta) => void;
}

export type ModelReply = {
  message: AssistantMessage;
  /** `failed`: of a plan, of which a step failed; the text says why. */
  stop: 'end' | 'tool_calls' | 'length' | 'refusal' | 'failed';
  usage: Usage;
  /** `provider/model` that answered (a fallback may have). */
  model: string;
};

export interface Model {
  /** `provider/model` as configured. */
  readonly id: string;
  /** Tokens that prompt and reply share; undefined where unknown. */
  readonly contextWindow?: number | undefined;
  /** Written down, not thought (`planModel`): it reads answers of any size whole, and nothing said changes what it says. */
  readonly isPlan?: true;
  /** Stands for the model of whoever calls the agent (`clientModel`). */
  readonly isClient?: true;
  /** @throws ModelError, or the signal's reason; nothing else. */
  generate(request: ModelRequest): Promise<ModelReply>;
}

export type ModelErrorKind =
  | 'unavailable' //     may work later: overload, 429, 5xx, network, cut stream, time-out
  | 'context_length' //  the prompt is longer than the window
  | 'rejected' //        the request is wrong and stays wrong: 400, unknown model
  | 'auth'; //           key missing or refused

export class ModelError extends Error {
  readonly kind: ModelErrorKind;
  /** The provider's own wish, from `Retry-After`; milliseconds. */
  readonly retryAfterMs?: number;
  /** What the reply that was cut off, or could not be used, has cost; where the provider told it. */
  readonly usage?: Usage;
  constructor(
    kind: ModelErrorKind,
    message: string,
    options?: ErrorOptions & { retryAfterMs?: number; usage?: Usage },
  ) {
    super(message, options);
    this.name = 'ModelError';
    this.kind = kind;
    if (options?.retryAfterMs !== undefined) this.retryAfterMs = options.retryAfterMs;
    if (options?.usage !== undefined) this.usage = options.usage;
  }
}
