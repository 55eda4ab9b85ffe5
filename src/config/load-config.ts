/** Reads agents.yaml with everything that belongs to it. All mistakes come back together; none is thrown. */
import { dirname } from 'node:path';
import type { Config, ModelConfig } from './config.ts';
import { findConfig } from './find-config.ts';
import { collectProblems, sortProblems, type Problem } from './problem.ts';
import { readFiles } from './read-files.ts';
import { resolveAgents } from './resolve-agents.ts';
import { checkModelNames, resolveModels } from './resolve-models.ts';
import { resolveServe } from './resolve-serve.ts';
import { resolveServers } from './resolve-servers.ts';
import { resolveStore } from './resolve-store.ts';

export interface LoadOptions {
  /** What `--config` says: a file, or a folder that holds one. */
  file?: string | undefined;
  /** Relative names and the search for agents.yaml start here; problems show files relative to it. */
  cwd: string;
  env: Readonly<Record<string, string | undefined>>;
  /** Whether it is known what a model costs. Without it prices are not checked. */
  knownPrice?: (model: ModelConfig) => boolean;
}

/** Problems are sorted by file and place. `warnings` hold no errors; `problems` hold at least one, and the warnings. */
export type Loaded = { ok: true; config: Config; warnings: Problem[] } | { ok: false; problems: Problem[] };

export async function loadConfig({ file, cwd, env, knownPrice }: LoadOptions): Promise<Loaded> {
  const found = await findConfig(file, cwd, env);
  if (typeof found !== 'string') return { ok: false, problems: [found] };

  const problems = collectProblems();
  const root = dirname(found);
  const { declarations, main, shown } = await readFiles(found, { root, cwd, env, problems });
  if (main === undefined) return { ok: false, problems: sortProblems(problems.all, shown) };

  checkModelNames(declarations, problems);
  const servers = resolveServers(declarations, root, problems);
  const modelFor = resolveModels(declarations, { root, env }, problems);
  const agents = resolveAgents(declarations, { main, modelFor, knownPrice, problems });
  const serve = resolveServe(main, declarations, problems);
  const store = resolveStore(main, root);

  const sorted = sortProblems(problems.all, shown);
  if (problems.hasErrors()) return { ok: false, problems: sorted };
  return { ok: true, config: { file: found, root, agents, servers, serve, store }, warnings: sorted };
}
