/** Finds the list that a step is made for each item of. */
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import type { StepAnswer } from './plan-answers.ts';

/** `rest`: the input without the list, where it was found there. */
export type List = { items: readonly Json[]; rest?: JsonObject };

/**
 * @param over keys joined by dots; `.` is the whole.
 * @param input undefined where it is words and no JSON.
 */
export function listAt(
  over: string,
  before: StepAnswer | undefined,
  input: Json | undefined,
): List | { fault: string } {
  const path = over === '.' ? [] : over.split('.');
  const answer = before === undefined ? undefined : valueAt(before.value, path);
  if (Array.isArray(answer)) return { items: answer };
  const given = answer === undefined ? valueAt(input, path) : undefined;
  if (Array.isArray(given)) return { items: given, rest: isJsonObject(input) ? without(input, path) : {} };

  const place = over === '.' ? 'the whole' : JSON.stringify(over);
  const told = [
    ...(before === undefined ? [] : [`in the answer of ${namesOf(before)} it is ${kindOf(before.value, path)}`]),
    ...(answer === undefined ? [`in the input it is ${kindOf(input, path)}`] : []),
  ];
  return { fault: `${place} should be a list, and ${told.join(', ')}` };
}

const namesOf = ({ answers }: StepAnswer): string => [...new Set(answers.map(({ agent }) => agent))].join(', ');

function valueAt(from: Json | undefined, path: readonly string[]): Json | undefined {
  let value = from;
  for (const key of path) value = memberOf(value, key);
  return value;
}

function memberOf(value: Json | undefined, key: string): Json | undefined {
  if (Array.isArray(value)) return /^\d{1,9}$/.test(key) ? value[Number(key)] : undefined;
  return isJsonObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

function without(value: JsonObject, [key = '', ...path]: readonly string[]): JsonObject {
  const { [key]: member, ...others } = value;
  return path.length > 0 && isJsonObject(member) ? { ...others, [key]: without(member, path) } : others;
}

/** What stands there, or how far the path goes. */
function kindOf(from: Json | undefined, path: readonly string[]): string {
  if (from === undefined) return 'nothing: it is words, no JSON';
  let value = from;
  for (const [depth, key] of path.entries()) {
    const member = memberOf(value, key);
    if (member === undefined) {
      const at = depth === 0 ? '' : ` at ${JSON.stringify(path.slice(0, depth).join('.'))}`;
      return `not there: ${described(value)}${at}`;
    }
    value = member;
  }
  return described(value);
}

const mostKeys = 20;

function described(value: Json): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (isJsonObject(value)) {
    const keys = Object.keys(value);
    const more = keys.length > mostKeys ? ', …' : '';
    return keys.length === 0 ? 'an empty object' : `an object with ${keys.slice(0, mostKeys).join(', ')}${more}`;
  }
  return typeof value === 'string' ? 'a text' : value === null ? 'null' : `a ${typeof value}`;
}
