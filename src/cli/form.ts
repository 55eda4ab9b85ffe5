/** The fields of a form (2026-07-28, elicitation: a flat object), and their values as people write them. */
import { UsageError } from '../errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { schemaCheck } from '../json-schema.ts';

export interface Field {
  name: string;
  title: string;
  description?: string;
  isRequired: boolean;
  kind: 'text' | 'number' | 'boolean' | 'list';
  /** What may be chosen; everything where undefined. */
  choices?: { value: string; title: string }[];
}

export function fieldsOf(schema: JsonObject): Field[] {
  const properties = isJsonObject(schema['properties']) ? schema['properties'] : {};
  const required = Array.isArray(schema['required']) ? schema['required'] : [];
  return Object.entries(properties).map(([name, property]) => {
    const shape = isJsonObject(property) ? property : {};
    const choices = choicesOf(shape['type'] === 'array' && isJsonObject(shape['items']) ? shape['items'] : shape);
    return {
      name,
      title: textIn(shape, 'title') ?? name,
      ...(textIn(shape, 'description') !== undefined && { description: textIn(shape, 'description') ?? '' }),
      isRequired: required.includes(name),
      kind: kindOf(shape['type']),
      ...(choices !== undefined && { choices }),
    };
  });
}

function kindOf(type: Json | undefined): Field['kind'] {
  if (type === 'number' || type === 'integer') return 'number';
  if (type === 'boolean') return 'boolean';
  return type === 'array' ? 'list' : 'text';
}

/** `oneOf` and `anyOf` with titles (2025-11-25 on), `enum` with `enumNames` (before). */
function choicesOf(shape: JsonObject): Field['choices'] {
  const titled = shape['oneOf'] ?? shape['anyOf'];
  if (Array.isArray(titled)) {
    return titled.filter(isJsonObject).map((one) => ({
      value: textOf(one['const']),
      title: textIn(one, 'title') ?? textOf(one['const']),
    }));
  }
  const { enum: values, enumNames: names } = shape;
  if (!Array.isArray(values)) return undefined;
  return values.map((value, index) => ({
    value: textOf(value),
    title: textOf((Array.isArray(names) ? names[index] : undefined) ?? value),
  }));
}

const textOf = (value: Json | undefined): string => (typeof value === 'string' ? value : JSON.stringify(value ?? null));

const textIn = (shape: JsonObject, key: string): string | undefined => {
  const value = shape[key];
  return typeof value === 'string' ? value : undefined;
};

/** `text` as a value of the field; as it is where it is none, for the schema to complain about. */
export function valueOf({ kind, choices }: Field, text: string): Json {
  switch (kind) {
    case 'number':
      return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
    case 'boolean':
      return /^(y|yes|true|1)$/i.test(text) ? true : /^(n|no|false|0)$/i.test(text) ? false : text;
    case 'list':
      return text === '' ? [] : text.split(',').map((part) => part.trim());
    case 'text':
      // A choice may be named by its title too: that is what people see.
      return choices?.find(({ title }) => title === text)?.value ?? text;
  }
}

/**
 * The content of an answer from `field=value` words.
 * @throws UsageError a word is none, or the content does not fit the form; it says what would.
 */
export function contentFrom(schema: JsonObject, words: readonly string[], whole: JsonObject = {}): JsonObject {
  const fields = fieldsOf(schema);
  const content: JsonObject = { ...whole };
  for (const word of words) {
    const [name = '', ...rest] = word.split('=');
    const field = fields.find((one) => one.name === name);
    if (field === undefined || rest.length === 0)
      throw new UsageError(`"${word.slice(0, 60)}" answers nothing here.\nhelp: ${usageOf(fields)}`);
    content[name] = valueOf(field, rest.join('='));
  }
  const fault = schemaCheck(schema)(content);
  if (fault !== undefined) throw new UsageError(`The answer does not fit: ${fault}\nhelp: ${usageOf(fields)}`);
  return content;
}

/** `decision=stop|happened|run [note=TEXT]`. */
export const usageOf = (fields: readonly Field[]): string =>
  fields
    .map(({ name, isRequired, kind, choices }) => {
      const values =
        choices?.map(({ value }) => value).join('|') ??
        (kind === 'boolean' ? 'yes|no' : kind === 'number' ? 'NUMBER' : 'TEXT');
      const word = `${name}=${values}`;
      return isRequired ? word : `[${word}]`;
    })
    .join(' ');
