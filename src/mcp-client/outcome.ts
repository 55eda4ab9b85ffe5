/** The answer of a server, read: whatever it is, it becomes an outcome that a model can read. */
import type { ToolOutcome } from '../agent/tool.ts';
import { isJsonObject, type JsonObject } from '../json.ts';
import { contentFrom, text, type Content } from '../task/content.ts';
import type { Check } from '../json-schema.ts';
import { isDeep, smallEnough } from './bounded-schema.ts';
import { askedFor } from './remote-task.ts';

export const failure = (message: string): ToolOutcome => ({ content: [text(message)], isError: true });

/**
 * @param id what people call the tool
 * @param checkOutput undefined where the tool has no usable output schema
 */
export function readOutcome(id: string, answer: JsonObject, checkOutput: Check | undefined): ToolOutcome {
  const odd = oddAnswer(id, answer);
  if (odd !== undefined) return failure(odd);
  const content = Array.isArray(answer['content']) ? answer['content'].map(readContent) : [];
  const structured = answer['structuredContent'];
  const isError = answer['isError'] === true;
  const outcome: ToolOutcome = {
    content: content.length === 0 && structured !== undefined ? [text(JSON.stringify(structured))] : content,
    isError,
    ...(structured !== undefined && {
      // Only an object has a place in the 2025 form, and in ours (SEP-2106 wraps the same way).
      structuredContent: isJsonObject(structured) ? structured : { result: structured },
    }),
  };
  const misfit = isError || checkOutput === undefined ? undefined : outputMisfit(structured, checkOutput);
  if (misfit === undefined) return outcome;
  const said = `${id} was called, but its answer does not fit its own output schema: ${misfit}`;
  return { content: [text(said), ...outcome.content], isError: true };
}

function oddAnswer(id: string, answer: JsonObject): string | undefined {
  if (answer['resultType'] === 'input_required') {
    const requests = answer['inputRequests'];
    return `${id} asks for ${askedFor(isJsonObject(requests) ? requests : {})} before it goes on. Nobody could be asked: nothing was answered, and the call has ended.`;
  }
  if (answer['content'] === undefined && answer['structuredContent'] === undefined) {
    return `${id} was called, but its answer has neither content nor structuredContent.`;
  }
  if (answer['content'] !== undefined && !Array.isArray(answer['content'])) {
    return `${id} was called, but the content of its answer is no list.`;
  }
  if (isDeep(answer['structuredContent'], mostLevels)) {
    return `${id} was called, but its structuredContent is nested over ${mostLevels} levels deep.`;
  }
  return undefined;
}

function outputMisfit(structured: unknown, check: Check): string | undefined {
  if (structured === undefined) return 'there is no structuredContent';
  return smallEnough(structured) ? check(structured) : undefined;
}

/** One content block of either era (specification, `ContentBlock`). */
export function readContent(block: unknown): Content {
  if (!isJsonObject(block)) return text(`[content that is no object: ${short(block)}]`);
  const known = contentFrom(block);
  if (known !== undefined) return known;
  const { type, resource } = block;
  if (type === 'resource' && isJsonObject(resource)) return readResource(resource);
  return text(`[content of the unknown type ${short(type)}: ${short(block)}]`);
}

/** Contents of a resource, embedded or read. */
export function readResource(resource: JsonObject): Content {
  const { uri, mimeType, blob } = resource;
  const base = {
    type: 'resource' as const,
    uri: typeof uri === 'string' ? uri : '',
    ...(typeof mimeType === 'string' && { mimeType }),
  };
  if (typeof resource['text'] === 'string') return { ...base, text: resource['text'] };
  if (typeof blob === 'string') return { ...base, blob };
  return text(`[a resource with neither text nor blob: ${short(resource)}]`);
}

/** Deeper values exhaust the stack of whoever writes them as JSON again. */
const mostLevels = 200;

const short = (value: unknown): string =>
  isDeep(value, mostLevels) ? '…' : (JSON.stringify(value) ?? 'undefined').slice(0, 500);
