/**
 * `${env:NAME}`, `${env:NAME:-default}`, `${NAME}`, `${NAME:-default}` and `${file:path}` in the values of YAML files.
 * As in a shell, a default stands in for a variable that is unset or empty. `$${` is a literal `${`.
 * Files lie inside the root, symbolic links resolved. What could be a secret is told to the log's redaction.
 */
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { redact } from '../log.ts';
import type { ConfigFiles } from './config-files.ts';
import { looksLikeSecret } from './literal-secrets.ts';
import type { Parsed } from './parse-yaml.ts';
import type { Problems } from './problem.ts';
import { pathName, placeOf, type Spot } from './spot.ts';
import type { Place } from './source.ts';

export interface Surroundings {
  /** The folder of the configuration file. */
  root: string;
  env: Readonly<Record<string, string | undefined>>;
  files: ConfigFiles;
}

/** @returns a copy of the value without the parts that could not be resolved; those have been reported. */
export async function interpolate(
  { value, spot }: Parsed,
  base: readonly string[],
  surroundings: Surroundings,
  problems: Problems,
): Promise<Parsed> {
  return { value: (await walk(value, spot, [...base])) ?? null, spot };

  async function walk(value: Json, spot: Spot, path: (string | number)[]): Promise<Json | undefined> {
    if (typeof value === 'string')
      return value.includes('${') ? await resolveText(value, spot, path) : keepSecret(value, path);
    if (Array.isArray(value)) {
      const items = await Promise.all(value.map((item, index) => walk(item, childOf(spot, index), [...path, index])));
      return items.includes(undefined) ? undefined : (items as Json[]);
    }
    if (!isJsonObject(value) || isSchema(path)) return value;
    const resolved: JsonObject = {};
    for (const [key, item] of Object.entries(value)) {
      const one = await walk(item, childOf(spot, key), [...path, key]);
      if (one !== undefined) resolved[key] = one;
    }
    return resolved;
  }

  async function resolveText(text: string, spot: Spot, path: (string | number)[]): Promise<string | undefined> {
    let result: string | undefined = '';
    let end = 0;
    const placeOfNext = referencePlaces(spot);
    for (const match of text.matchAll(/\$\$\{|\$\{[^}]*\}?/g)) {
      const part: string | undefined =
        match[0] === '$${' ? '${' : await resolveReference(match[0], placeOfNext(match[0]), spot, path);
      result = result === undefined || part === undefined ? undefined : result + text.slice(end, match.index) + part;
      end = match.index + match[0].length;
    }
    return result === undefined ? undefined : keepSecret(result + text.slice(end), path);
  }

  async function resolveReference(
    written: string,
    place: Place,
    spot: Spot,
    path: (string | number)[],
  ): Promise<string | undefined> {
    const isClosed = written.endsWith('}');
    const inner = isClosed ? written.slice(2, -1) : '';
    const file = /^file:(.+)$/s.exec(inner)?.[1];
    if (isClosed && file !== undefined) return readInside(file, place, path);
    const match = /^(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s.exec(inner);
    const name = match?.[1];
    if (!isClosed || name === undefined || match?.[2]?.includes('${') === true) {
      problems.error('E_REFERENCE_FORM', place, `${JSON.stringify(written)} is no reference that is known here`, {
        help: inner.startsWith('input:')
          ? `values that VS Code asks for are read from the environment here: \${env:${inner.slice(6).toUpperCase().replaceAll(/\W/g, '_')}}`
          : 'write ${env:NAME}, ${env:NAME:-default}, ${file:path}, or $${ for the text "${" itself',
      });
      return undefined;
    }
    // The environment of a process has a prototype: `constructor` is set nowhere.
    const found = Object.hasOwn(surroundings.env, name) ? surroundings.env[name] : undefined;
    if (found !== undefined && found !== '') {
      if (isSecretPlace(path) || (inServer(path) && (secretName.test(name) || looksLikeSecret(found)))) redact(found);
      return found;
    }
    const fallback = match?.[2];
    if (fallback !== undefined) return fallback;
    spot.unset = name;
    // A model without its key may have others that think instead: that is decided where models are.
    if (isModelKey(path)) return undefined;
    problems.error(
      'E_ENV',
      place,
      `${pathName(path)} needs the environment variable ${name}, which is ${found === '' ? 'empty' : 'not set'}`,
      {
        help: `set ${name}, or give a default: \${${name}:-...}`,
      },
    );
    return undefined;
  }

  async function readInside(file: string, place: Place, path: (string | number)[]): Promise<string | undefined> {
    const isSecret = isSecretPlace(path) || inServer(path);
    const read = await surroundings.files.readInside(surroundings.root, file, isSecret);
    if ('text' in read) {
      const content = read.text.replace(/^\uFEFF/, '').replace(/\r?\n$/, '');
      if (isSecret) redact(content);
      return content;
    }
    const fail = (why: string, help?: string): undefined => {
      const needs = `${pathName(path)} needs the file ${JSON.stringify(file)}`;
      problems.error('E_FILE', place, `${needs}, ${why}`, { help });
    };
    switch (read.fault) {
      case 'missing':
        return fail('which does not exist', 'paths are relative to the folder of agents.yaml');
      case 'outside':
        return fail(
          'which is outside of the folder of agents.yaml',
          'only files inside it can be read, symbolic links resolved',
        );
      case 'no_file':
        return fail('which is no regular file');
      case 'too_large':
        return fail('which is larger than 1 MiB');
      case 'no_text':
        return fail('which is no UTF-8 text');
      case 'forbidden':
        return fail('which may not be read by you');
      case 'unreadable':
        return fail(`which cannot be read: ${read.why}`);
    }
  }
}

const childOf = (spot: Spot, step: string | number): Spot => spot.children.get(step) ?? spot;

/** JSON Schemas are taken as they stand: a `pattern` may hold `${`. */
const isSchema = (path: readonly (string | number)[]) =>
  path.length === 3 && path[0] === 'agents' && (path[2] === 'input' || path[2] === 'output');

const isModelKey = (path: readonly (string | number)[]) => path[0] === 'models' && path[2] === 'api_key';
const isCallerKey = (path: readonly (string | number)[]) =>
  path[0] === 'serve' && path[1] === 'auth' && path[2] === 'keys';
const isHookSecret = (path: readonly (string | number)[]) =>
  path[0] === 'serve' && path[1] === 'webhooks' && path[3] === 'secret';
const inServer = (path: readonly (string | number)[]) =>
  path[0] === 'mcpServers' && ['env', 'args', 'url'].includes(String(path[2]));

/** Whatever is resolved here is a secret. Elsewhere in a server it depends on how the variable is called, or on its form. */
const isSecretPlace = (path: readonly (string | number)[]) =>
  isModelKey(path) ||
  isCallerKey(path) ||
  isHookSecret(path) ||
  (path[0] === 'models' && path[2] === 'headers') ||
  (path[0] === 'mcpServers' && (path[2] === 'headers' || path[2] === 'auth'));

const secretName = /key|token|secret|passw|pwd|credential|auth|cookie|session|private|dsn|database_url|connection/i;

function keepSecret(text: string, path: readonly (string | number)[]): string {
  if (isModelKey(path) || isCallerKey(path) || isHookSecret(path) || (path[0] === 'mcpServers' && path[2] === 'auth'))
    redact(text);
  return text;
}

/** Finds one reference after the other inside of the scalar; where YAML escapes hide them, the whole scalar is the place. */
function referencePlaces(spot: Spot): (written: string) => Place {
  const { source, span } = placeOf(spot);
  const text = source.text.slice(...span);
  let from = 0;
  return (written) => {
    const at = from === -1 ? -1 : text.indexOf(written, from);
    from = at === -1 ? -1 : at + written.length;
    return at === -1 ? { source, span } : { source, span: [span[0] + at, span[0] + from] };
  };
}
