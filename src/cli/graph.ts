/** `deputy graph [AGENT]`: what calls what, as Mermaid or as one JSON object. No server is started. */
import { networkGraph } from '../config/network-graph.ts';
import { printableJson } from './clean-text.ts';
import { type ExitCode, exitCode } from './exit.ts';
import { type Globals, named } from './globals.ts';
import { mermaid } from './mermaid.ts';
import { openNetworkTree } from './open.ts';
import type { Terminal } from './terminal.ts';

/** @throws NotFoundError there is no such agent. */
export async function graph(
  agent: string | undefined,
  { json }: { json?: boolean },
  globals: Globals,
  terminal: Terminal,
): Promise<ExitCode> {
  const tree = await openNetworkTree(globals, terminal);
  const from = agent === undefined ? undefined : named(tree.config.agents, agent, 'agent').name;
  const network = networkGraph(tree, process.cwd(), from);
  terminal.out.write(json === true ? `${printableJson({ type: 'graph', ...network }, 2)}\n` : mermaid(network));
  return exitCode.ok;
}
