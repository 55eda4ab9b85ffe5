/** Tokens of a request and its reply where nobody counts them: four characters each, as English text has on average. */
import type { Message, ModelReply, ModelRequest } from '../agent/model.ts';
import type { Tokens } from './price.ts';

/** Messages do not change, and every turn sends all of them again. */
const sizes = new WeakMap<object, number>();

/** Some endpoints do not count, and the limits of an agent must hold all the same. */
export function estimate({ system, messages, tools }: ModelRequest, reply: ModelReply['message']['content']): Tokens {
  const prompt = messages.reduce((sum, message) => sum + sized(message), system.length + sized(tools));
  return {
    inputTokens: Math.ceil(prompt / 4),
    outputTokens: Math.ceil(JSON.stringify(reply).length / 4),
    cachedInputTokens: 0,
    cacheWriteTokens: 0,
    reasoningTokens: 0,
  };
}

function sized(part: Message | ModelRequest['tools']): number {
  let size = sizes.get(part);
  if (size === undefined) {
    size = JSON.stringify('content' in part ? part.content : part).length;
    sizes.set(part, size);
  }
  return size;
}
