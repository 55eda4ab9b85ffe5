/** The agents of another Deputy that work for a call, as a tree below its line. What they say of themselves is text only. */
import type { Activity } from '../task/mandate.ts';
import { columnsOf, oneLine } from './clean-text.ts';
import type { CallNode } from './progress-tree.ts';
import type { Paint } from './terminal.ts';

interface Below {
  name: string;
  /** What it does; absent where only agents below it say so. */
  lines: string[];
  children: Below[];
}

/** A screen is finite, and another Deputy decides how much it says. */
const mostLines = 12;

export function belowLines(
  { below = [] }: Pick<CallNode, 'below'>,
  indent: string,
  { width, paint }: { width: number; paint: Paint },
): string[] {
  const lines = treeLines(grown(below).children, indent, width, paint);
  if (lines.length <= mostLines) return lines;
  const hidden = lines.length - mostLines + 1;
  return [...lines.slice(0, mostLines - 1), paint('dim', `${indent}└ … and ${hidden} more`)];
}

/** The first of each chain is the agent that was called: its line is that of the call. */
function grown(below: readonly Activity[]): Below {
  const root: Below = { name: '', lines: [], children: [] };
  for (const { chain, line } of below) {
    let at = root;
    for (const name of chain.slice(1)) {
      let next = at.children.find((child) => child.name === name);
      if (next === undefined) at.children.push((next = { name, lines: [], children: [] }));
      at = next;
    }
    if (at !== root) at.lines.push(line);
  }
  return root;
}

function treeLines(nodes: readonly Below[], indent: string, width: number, paint: Paint): string[] {
  // The same agent may run several times at once: a line each.
  const rows = nodes.flatMap((node) =>
    (node.lines.length === 0 ? [''] : node.lines).map((line, index) => ({
      ...node,
      line,
      children: index === 0 ? node.children : [],
    })),
  );
  return rows.flatMap(({ name, line, children }, index) => {
    const isLast = index === rows.length - 1;
    const branch = `${indent}${isLast ? '└ ' : '├ '}`;
    const room = width - columnsOf(branch) - 1;
    const shown = oneLine(name, room);
    const rest = room - columnsOf(shown) - 2;
    const said = line === '' || rest < 6 ? '' : paint('dim', `  ${oneLine(line, rest)}`);
    return [
      `${paint('dim', branch)}${shown}${said}`,
      ...treeLines(children, `${indent}${isLast ? '  ' : '│ '}`, width, paint),
    ];
  });
}
