/** Turns `hooks` into code to run at fixed places: modules and programs that are there. */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { HookPlace } from '../agent/hooks.ts';
import type { HookConfig } from './config.ts';
import { isWritten, keyOf, valueOf, type Declarations, type Declared } from './declarations.ts';
import type { Problems } from './problem.ts';
import type { HooksEntry } from './schema-permissions.ts';
import type { Path } from './spot.ts';
import { compileRuleGlob } from './tool-globs.ts';
import { checkPattern } from './tool-patterns.ts';

type Holder = Declared<{ hooks?: HooksEntry | undefined }>;

export interface HookNeeds {
  declarations: Declarations;
  /** Paths are relative to it, and programs start in it. */
  root: string;
  problems: Problems;
}

const defaultTimeout = 10_000;
const aroundTools: readonly string[] = ['before_tool', 'after_tool', 'on_approval'];

/** @param prefix `agents.triage.`, or nothing for those of the file. */
export function readHooks(prefix: string, holder: Holder, needs: HookNeeds): HookConfig[] {
  return (Object.keys(holder.value.hooks ?? {}) as HookPlace[]).flatMap((place) => {
    const entry = holder.value.hooks?.[place];
    if (entry === undefined) return [];
    const where = `${prefix}hooks.${place}`;
    if (!Array.isArray(entry)) return readHook(entry, { place, where, path: ['hooks', place] }, holder, needs);
    return entry.flatMap((one, index) => readHook(one, { place, where, path: ['hooks', place, index] }, holder, needs));
  });
}

interface At {
  place: HookPlace;
  where: string;
  path: Path;
}

type HookEntry = Exclude<NonNullable<HooksEntry[HookPlace]>, unknown[]>;

/** @returns the hook, or nothing where it cannot be run; why has been reported. */
function readHook(entry: HookEntry, at: At, holder: Holder, needs: HookNeeds): HookConfig[] {
  const { place, where, path } = at;
  const { problems } = needs;
  const { module, command, match = [], timeout } = typeof entry === 'string' ? { module: entry } : entry;
  const patterns = typeof match === 'string' ? [match] : match;
  if (patterns.length > 0 && !aroundTools.includes(place)) {
    problems.error(
      'E_VALUE',
      keyOf(holder, ...path, 'match'),
      `${where} is about no tool, so it has nothing to match`,
      {
        help: 'remove `match`',
      },
    );
  }
  for (const [index, pattern] of patterns.entries()) {
    const within = valueOf(holder, ...path, 'match', ...(typeof match === 'string' ? [] : [index]));
    checkPattern({ pattern, place: within, where: `${where}.match`, isRule: true }, needs.declarations, problems);
  }
  const isGiven = ['module', 'command'].some((key) => isWritten(holder, ...path, key));
  // What is written and came to nothing has been reported.
  if (module === undefined && command === undefined && isGiven) return [];
  if ((module === undefined) === (command === undefined)) {
    problems.error('E_VALUE', valueOf(holder, ...path), `${where} needs a module or a command, one of them`, {
      help: 'write a file, ./hooks/check.mjs; or { command: [./hooks/check.sh] }',
    });
    return [];
  }
  const globs = patterns.map(compileRuleGlob);
  const common = {
    place,
    matches: (tool: string) => globs.length === 0 || globs.some((matches) => matches(tool)),
    timeoutMs: timeout ?? defaultTimeout,
  };
  if (module !== undefined) {
    const key = typeof entry === 'string' ? [] : ['module'];
    const file = fileAt(module, where, valueOf(holder, ...path, ...key), needs);
    return file === undefined ? [] : [{ ...common, name: module, run: { kind: 'module', file } }];
  }
  const [program = '', ...args] = command ?? [];
  // A name is looked up in PATH, when it is run; a path must be there.
  const found = /[/\\]/.test(program) ? fileAt(program, where, valueOf(holder, ...path, 'command', 0), needs) : program;
  if (found === undefined) return [];
  const run = { kind: 'command' as const, argv: [found, ...args], cwd: needs.root };
  return [{ ...common, name: [program, ...args].join(' '), run }];
}

/** The operator's own code may lie anywhere, but it must be there. */
function fileAt(
  written: string,
  where: string,
  place: ReturnType<typeof valueOf>,
  { root, problems }: HookNeeds,
): string | undefined {
  const path = resolve(root, written);
  if (statSync(path, { throwIfNoEntry: false })?.isFile() === true) return path;
  const isLine = /\s/.test(written);
  problems.error('E_FILE', place, `${where} needs the file ${JSON.stringify(written)}, which does not exist`, {
    help: isLine
      ? `a program is { command: ${JSON.stringify(written.split(/\s+/))} }`
      : 'paths are relative to the folder of agents.yaml',
  });
  return undefined;
}
