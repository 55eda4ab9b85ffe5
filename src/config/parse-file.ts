/** A file that must hold a map and no secrets, parsed. */
import { isJsonObject } from '../json.ts';
import { findSecrets } from './literal-secrets.ts';
import { parseYaml, type Parsed } from './parse-yaml.ts';
import type { Problems } from './problem.ts';
import type { Source } from './source.ts';
import { placeOf } from './spot.ts';

/** @returns undefined after a fault, which has been reported. */
export function parseFile(source: Source, problems: Problems): Parsed | undefined {
  refuseLiteralSecrets(source, problems);
  const parsed = parseYaml(source, problems);
  if (parsed === undefined || isJsonObject(parsed.value)) return parsed;
  const place = placeOf(parsed.spot);
  if (parsed.value === null)
    problems.error('E_MISSING', place, 'the file is empty', { help: 'make one that works: deputy init' });
  else problems.error('E_TYPE', place, 'the file must be a map of keys', { help: 'begin it with `version: 1`' });
  return undefined;
}

/** Everywhere in the file, comments and instructions included: the file is what gets shared. */
export function refuseLiteralSecrets(source: Source, problems: Problems): void {
  for (const { what, span } of findSecrets(source.text)) {
    problems.error('E_SECRET', { source, span }, `this looks like ${what}`, {
      help: 'keep it out of the file: set an environment variable and write "${env:NAME}" here; revoke it if the file was shared',
    });
  }
}
