import { messageOf, UsageError } from '../errors.ts';
import { isJsonObject, type JsonObject } from '../json.ts';

/** A JSON object as it was typed. @param what it is, for people: `The arguments`. @throws UsageError */
export function jsonArgument(text: string, what: string, example: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text);
    if (isJsonObject(value)) return value;
  } catch (error) {
    throw new UsageError(`${what} must be a JSON object, such as '${example}': ${messageOf(error)}`);
  }
  throw new UsageError(`${what} must be a JSON object, such as '${example}'.`);
}
