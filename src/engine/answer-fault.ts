import { schemaCheck } from '../json-schema.ts';
import type { InputRequest, InputResponse } from '../task/question.ts';

/** Says why `response` is no answer to `request`; undefined when it is one. A form accepted empty answers nothing. */
export function answerFault(request: InputRequest, response: InputResponse): string | undefined {
  if (response.action === 'expired' || response.action === 'withdrawn') return 'only the engine says so';
  if (request.kind !== 'form') return undefined;
  if (response.action === 'decline' && request.mustDecide === true) return 'it wants a decision';
  if (response.action !== 'accept') return undefined;
  return schemaCheck(request.schema)(response.content);
}
