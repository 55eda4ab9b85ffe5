/** What a model is made from; structurally the checked configuration's own entry. */
export interface ModelOptions {
  provider: 'anthropic' | 'openai' | 'openai-chat' | 'scripted';
  /** The provider's own name of the model; for `scripted`, the absolute path of the script. */
  model: string;
  /** Default: the vendor's own endpoint. */
  baseUrl?: string;
  /** Default: the vendor's environment variable, which is never sent to a `baseUrl` of somebody else. */
  apiKey?: string;
  headers?: Record<string, string>;
  thinking?: 'off' | 'low' | 'medium' | 'high';
  maxTokens?: number;
  temperature?: number;
  contextWindow?: number;
  /** Requests at once, of all that think with it together. */
  concurrency?: number;
  /** US dollars per million tokens. */
  price?: { input: number; output: number; cachedInput?: number; cacheWrite?: number };
  fallback: ModelOptions[];
}

/** `provider/model`: what people read, and what marks a message's native form as this model's own. */
export const idOf = (options: Pick<ModelOptions, 'provider' | 'model'>): string =>
  `${options.provider}/${options.model}`;

/**
 * Longest reply, in tokens, that is fetched in one piece. At a slow 60 tokens/s it takes 270 s, which is below our own
 * time-out of a reply in one piece (`Timeouts.whole`); the Anthropic SDK draws its line at 21,333.
 */
const longestWhole = 16_000;

/**
 * Streaming costs CPU for every token (measured on a 2,000-token reply: 3 to 10 times one JSON body), so it is
 * used where somebody reads along, and where a reply may take so long that silence would look like a dead server.
 */
export const mustStream = (listened: boolean, thinks: boolean, maxTokens: number | undefined): boolean =>
  listened || (maxTokens === undefined ? thinks : maxTokens > longestWhole);
