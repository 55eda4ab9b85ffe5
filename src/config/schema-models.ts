/** The entries of `models`. */
import { z } from 'zod';
import { keyRules, otherKeys } from './other-keys.ts';
import { number, size, textMap, texts } from './schema-values.ts';

const price = z.strictObject({
  input: number(0, 1_000_000, 'a number').describe('Per million input tokens.'),
  output: number(0, 1_000_000, 'a number').describe('Per million output tokens.'),
  cached_input: number(0, 1_000_000, 'a number')
    .optional()
    .describe('Per million input tokens read from the prompt cache.'),
  cache_write: number(0, 1_000_000, 'a number')
    .optional()
    .describe('Per million input tokens written to the prompt cache.'),
});

export const modelSchema = z
  .strictObject({
    model: z
      .string()
      .describe(
        '`provider/model`: anthropic/, openai/ (Responses API), openai-chat/ (any compatible endpoint) or scripted/FILE.',
      ),
    fallback: texts()
      .optional()
      .describe(
        'Models that think instead, in this order, when this one has no key or cannot answer: names from `models`, or `provider/model`.',
      ),
    thinking: z
      .enum(['off', 'low', 'medium', 'high'])
      .optional()
      .describe('How much the model thinks before it answers. Default: as its provider has it.'),
    max_tokens: size().optional().describe('The longest reply, in tokens: 8000, 8k.'),
    temperature: number(0, 2, 'a number')
      .optional()
      .describe('Sampling temperature, 0 to 2. Default: as its provider has it.'),
    base_url: z
      .string()
      .optional()
      .describe('Where the API is. Default: $ANTHROPIC_BASE_URL or $OPENAI_BASE_URL, else the provider.'),
    api_key: z
      .string()
      .optional()
      .describe(
        'A reference such as "${env:MY_KEY}", never the key itself. Default: $ANTHROPIC_API_KEY or $OPENAI_API_KEY; openai-chat with a base_url needs none.',
      ),
    headers: textMap().optional().describe('Headers to send with every request.'),
    context_window: size()
      .optional()
      .describe('Tokens that prompt and reply share: 200k. Default: as known for the model.'),
    concurrency: number(1, 1000)
      .optional()
      .describe('Requests to it at once, of all agents together; the others wait their turn. Default: no limit.'),
    price: price.optional().describe('US dollars per million tokens. Default: as known for the model.'),
  })
  .register(keyRules, otherKeys.model);
