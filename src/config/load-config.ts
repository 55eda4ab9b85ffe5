/** Reads agents.yaml with everything that belongs to it. All mistakes come back together; none is thrown. */
import { dirname, join } from 'node:path';
import type { Config, ModelConfig, Snapshot } from './config.ts';
import type { Declarations } from './declarations.ts';
import { diskFiles, type ConfigFiles } from './config-files.ts';
import { findConfig } from './find-config.ts';
import { collectProblems, fileProblem, sortProblems, type Problem } from './problem.ts';
import { readFiles } from './read-files.ts';
import { resolveAgents } from './resolve-agents.ts';
import { checkModelNames, resolveModels } from './resolve-models.ts';
import { resolveServe } from './resolve-serve.ts';
import { resolveServers } from './resolve-servers.ts';
import { resolveStore } from './resolve-store.ts';
import { openSnapshot, recordFiles } from './snapshot.ts';
import { warnUnboundedCost } from './unbounded-cost.ts';
import { warnUnboundedFanOut } from './unbounded-fan-out.ts';

interface Given {
  env: Readonly<Record<string, string | undefined>>;
  /** Whether it is known what a model costs. Without it prices are not checked. */
  knownPrice?: (model: ModelConfig) => boolean;
}

export interface LoadOptions extends Given {
  /** What `--config` says: a file, or a folder that holds one. */
  file?: string | undefined;
  /** Relative names and the search for agents.yaml start here; problems show files relative to it. */
  cwd: string;
}

export interface SnapshotOptions extends Given {
  /** The folder of the configuration: relative paths start here. */
  root: string;
}

/** Problems are sorted by file and place. `warnings` hold no errors; `problems` hold at least one, and the warnings. */
export type Loaded = { ok: true; config: Config; warnings: Problem[] } | { ok: false; problems: Problem[] };

export async function loadConfig({ file, cwd, ...given }: LoadOptions): Promise<Loaded> {
  const found = await findConfig(file, cwd, given.env);
  if (typeof found !== 'string') return { ok: false, problems: [found] };
  return (await loadFile(found, { cwd, ...given })).loaded;
}

/** With what it declares, each with its place. @param file an absolute path */
export const loadFile = (file: string, { cwd, ...given }: Omit<LoadOptions, 'file'>): Promise<LoadedFile> =>
  load(file, { root: dirname(file), cwd, files: diskFiles, ...given });

export interface LoadedFile {
  loaded: Loaded;
  declarations: Declarations;
  /** As shown, in the order in which they were read. */
  shown: string[];
}

/** @param text of `Config.snapshot`: the configuration that it was taken of, with the environment of now. */
export async function loadSnapshot(text: string, { root, ...given }: SnapshotOptions): Promise<Loaded> {
  const opened = openSnapshot(text, root);
  if (opened === undefined)
    return { ok: false, problems: [fileProblem('E_READ', 'snapshot', 'this is no snapshot of a configuration')] };
  return (await load(opened.main, { root, cwd: root, files: opened.files, ...given })).loaded;
}

async function load(
  main: string,
  { root, cwd, files, env, knownPrice }: Given & { root: string; cwd: string; files: ConfigFiles },
): Promise<LoadedFile> {
  const problems = collectProblems();
  const recorder = recordFiles(files, root);
  const read = await readFiles(main, { root, cwd, env, files: recorder.files, problems });
  const { declarations, shown } = read;
  const file = (loaded: Loaded): LoadedFile => ({ loaded, declarations, shown });
  if (read.main === undefined) return file({ ok: false, problems: sortProblems(problems.all, shown) });

  checkModelNames(declarations, problems);
  const servers = resolveServers(declarations, root, problems);
  const modelFor = resolveModels(declarations, { root, env }, problems);
  const agents = await resolveAgents(declarations, { main: read.main, modelFor, knownPrice, root, problems });
  const serve = resolveServe(read.main, declarations, problems);
  const store = resolveStore(read.main, root, problems);
  warnUnboundedCost({ config: { file: main, agents, servers, serve }, others: new Map() }, declarations, problems);
  warnUnboundedFanOut({ agents, serve }, declarations, problems);

  const sorted = sortProblems(problems.all, shown);
  if (problems.hasErrors()) return file({ ok: false, problems: sorted });
  let snapshot: Snapshot | undefined;
  const config: Config = {
    file: main,
    root,
    agents,
    servers,
    serve,
    store,
    lockFile: join(root, 'deputy.lock'),
    get snapshot() {
      return (snapshot ??= recorder.snapshot(main));
    },
  };
  return file({ ok: true, config, warnings: sorted });
}
