import { type Check, schemaCheck } from '../json-schema.ts';
import type { JsonObject } from '../json.ts';
import type { InputRequest, InputResponse } from '../task/question.ts';

/** Says why `response` is no answer to `request`; undefined when it is one. A form accepted empty answers nothing. */
export function answerFault(request: InputRequest, response: InputResponse): string | undefined {
  if (response.action === 'expired' || response.action === 'withdrawn') return 'only the engine says so';
  if (request.kind !== 'form') return undefined;
  if (response.action === 'decline' && request.mustDecide === true) return 'it wants a decision';
  if (response.action !== 'accept') return undefined;
  return checkOf(request.schema)(response.content);
}

/** Many questions have the same few schemas, and to compile one takes longer than all else that an answer does. */
const checks = new Map<string, Check>();
const mostChecks = 100;

function checkOf(schema: JsonObject): Check {
  const text = JSON.stringify(schema);
  const check = checks.get(text) ?? schemaCheck(schema);
  // The one that was used longest ago makes room.
  checks.delete(text);
  checks.set(text, check);
  const [oldest = text] = checks.keys();
  if (checks.size > mostChecks) checks.delete(oldest);
  return check;
}
