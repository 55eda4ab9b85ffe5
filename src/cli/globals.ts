/** The options that every command has. */
import { NotFoundError } from '../errors.ts';
import type { LogLevel } from '../log.ts';

export interface Globals {
  config?: string;
  envFile?: string;
  quiet?: boolean;
  verbose?: boolean;
  logLevel?: LogLevel;
}

export const logLevels: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error', 'silent'];

export function logLevelOf({ logLevel, verbose, quiet }: Globals, usual: LogLevel): LogLevel {
  return logLevel ?? (verbose === true ? 'debug' : quiet === true ? 'error' : usual);
}

/** `name`'s entry in `list`. @throws NotFoundError with what there is. */
export function named<T extends { name: string }>(list: readonly T[], name: string, what: string): T {
  const found = list.find((one) => one.name === name);
  if (found) return found;
  const known = list.length === 0 ? 'There are none.' : `There is: ${list.map((one) => one.name).join(', ')}.`;
  throw new NotFoundError(`There is no ${what} "${name}". ${known}`);
}
