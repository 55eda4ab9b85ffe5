/** Reads the main file, what it includes and the cards beside it, and checks the shape of each. */
import { dirname, join, resolve } from 'node:path';
import type { z } from 'zod';
import { checkShape } from './check-shape.ts';
import { declare, noDeclarations, type Declarations, type Declared } from './declarations.ts';
import { interpolate } from './interpolate.ts';
import { parseFile } from './parse-file.ts';
import { readCards } from './read-cards.ts';
import { readSource, type Reading } from './read-source.ts';
import { fileSchema, includedSchema, type FileEntry } from './schema.ts';
import { shownPath, type Place, type Source } from './source.ts';
import { placeAt } from './spot.ts';

export interface Files {
  declarations: Declarations;
  /** The main file. Undefined where it could not be read as YAML at all. */
  main: Declared<FileEntry> | undefined;
  /** As shown, in the order in which they were read. */
  shown: string[];
}

const mostIncludes = 100;

export async function readFiles(file: string, reading: Reading): Promise<Files> {
  const declarations = noDeclarations();
  const shown = [shownPath(file, reading.cwd)];
  const source = await readSource(file, reading);
  if (!('text' in source)) {
    reading.problems.all.push(source);
    return { declarations, main: undefined, shown };
  }
  const main = await readOne(source, fileSchema, reading);
  if (main === undefined) return { declarations, main: undefined, shown };
  const seen = new Set([await reading.files.identity(file)]);
  await addFile(main);
  await readCards(join(reading.root, 'agents'), declarations, reading);
  return { declarations, main, shown };

  async function addFile(declared: Declared<z.output<typeof includedSchema>>): Promise<void> {
    const { value, spot } = declared;
    const entries = <T>(map: Record<string, T> | undefined) => Object.entries(map ?? {});
    const spotOf = (key: string, name: string) => spot.children.get(key)?.children.get(name) ?? spot;
    for (const [name, value] of entries(declared.value.models)) {
      declare(declarations.models, 'model', name, { value, spot: spotOf('models', name) }, reading.problems);
    }
    for (const [name, value] of entries(declared.value.mcpServers)) {
      declare(declarations.servers, 'server', name, { value, spot: spotOf('mcpServers', name) }, reading.problems);
    }
    for (const [name, value] of entries(declared.value.agents)) {
      const agent = { value, spot: spotOf('agents', name), withoutTools: [] };
      declare(declarations.agents, 'agent', name, agent, reading.problems);
    }
    // What was written but came to nothing is not unknown.
    for (const key of ['models', 'mcpServers', 'agents']) {
      for (const name of spot.children.get(key)?.children.keys() ?? []) declarations.broken.add(`${key}.${name}`);
    }
    const includes = typeof value.include === 'string' ? [value.include] : (value.include ?? []);
    for (const [index, name] of includes.entries()) {
      const path = typeof value.include === 'string' ? ['include'] : ['include', index];
      await include(resolve(dirname(spot.source.path), name), placeAt(spot, path));
    }
  }

  async function include(path: string, place: Place): Promise<void> {
    const real = await reading.files.identity(path);
    if (seen.has(real)) return;
    seen.add(real);
    if (seen.size > mostIncludes)
      return reading.problems.error('E_BOUND', place, `more than ${mostIncludes} included files`);
    const source = await readSource(path, reading);
    if (!('text' in source)) {
      reading.problems.error(
        source.code,
        place,
        `include ${JSON.stringify(shownPath(path, reading.cwd))}: ${source.message}`,
        {
          help: 'paths are relative to the file that includes them',
        },
      );
      return;
    }
    shown.push(source.shown);
    const declared = await readOne(source, includedSchema, reading);
    if (declared !== undefined) await addFile(declared);
  }
}

async function readOne<T>(source: Source, schema: z.ZodType<T>, reading: Reading): Promise<Declared<T> | undefined> {
  const parsed = parseFile(source, reading.problems);
  if (parsed === undefined) return undefined;
  const resolved = await interpolate(parsed, [], reading, reading.problems);
  const value = checkShape(resolved, { schema, base: '' }, reading.problems);
  return value === undefined ? undefined : { value, spot: parsed.spot };
}
