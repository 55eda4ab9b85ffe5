/** A network as a Mermaid flowchart. Nothing of the configuration is Mermaid: names and globs are escaped. */
import type { GraphAgent, GraphEdge, GraphServer, NetworkGraph } from '../config/network-graph.ts';
import { oneLine } from './clean-text.ts';

export function mermaid({ deputies, edges }: NetworkGraph): string {
  const ids = new Map<string, string>();
  const idFor = (id: string): string => {
    const known = ids.get(id) ?? `n${ids.size}`;
    ids.set(id, known);
    return known;
  };
  const steps = new Map(
    deputies.flatMap(({ agents }) => agents.map((agent) => [agent.id, agent.steps ?? []] as const)),
  );
  const boxes = deputies.flatMap(({ file, agents, servers }, index) => [
    `  subgraph d${index}["${escaped(file)}"]`,
    ...agents.map((agent) => `    ${idFor(agent.id)}${agentBox(agent)}${agent.isExposed ? ':::exposed' : ''}`),
    // Of a Deputy whose file was read, its agents stand in a box of their own.
    ...servers
      .filter(({ starts }) => starts === undefined)
      .map((server) => `    ${idFor(server.id)}${serverBox(server)}`),
    '  end',
  ]);
  const arrows = edges.map((edge) => {
    const label = edgeLabel(edge, steps.get(edge.from) ?? []);
    return `  ${idFor(edge.from)} -->${label === '' ? '' : `|"${label}"|`} ${idFor(edge.to)}`;
  });
  return ['flowchart LR', ...boxes, ...arrows, '  classDef exposed stroke-width:3px', ''].join('\n');
}

/** A composed agent has a frame of its own, under which its steps are counted. */
function agentBox({ name, models, steps }: GraphAgent): string {
  if (steps !== undefined) return `[["${lines([name, `${steps.length} ${steps.length === 1 ? 'step' : 'steps'}`])}"]]`;
  const [first = '', ...others] = models ?? [];
  const model = first === 'client' ? "its caller's model" : first;
  return `(["${lines([name, others.length === 0 ? model : `${model} or ${others.length} more`])}"])`;
}

const serverBox = ({ name, at, isDeputy }: GraphServer): string =>
  isDeputy ? `[["${lines([name, `Deputy at ${at}`])}"]]` : `[("${lines([name, at])}")]`;

type Steps = NonNullable<GraphAgent['steps']>;

function edgeLabel({ steps = [], tools = [], server, ask, deny }: GraphEdge, all: Steps): string {
  return lines([
    ...steps.map((number) => stepLabel(number, all[number - 1])),
    ...(server === undefined || tools.length > 0 ? tools : [server]),
    ...ask.map((pattern) => `asks: ${pattern}`),
    ...deny.map((pattern) => `denies: ${pattern}`),
  ]);
}

function stepLabel(number: number, step: Steps[number] | undefined): string {
  if (step === undefined || 'run' in step) return `step ${number}`;
  if ('parallel' in step) return `step ${number}, side by side`;
  return `step ${number}, for each of ${step.over === '.' ? 'the answer' : step.over}`;
}

const lines = (texts: readonly string[]): string => texts.map(escaped).join('<br/>');

/** What means something to Mermaid, or to the Markdown that it reads labels as, becomes the number of its character. */
const escaped = (text: string): string =>
  oneLine(text, 200).replaceAll(
    /[^\p{L}\p{N} ./:,=@+'(){}?_-]|(?<![\p{L}\p{N}])[_-]|[_](?![\p{L}\p{N}])/gu,
    (character) => `#${character.codePointAt(0)};`,
  );
