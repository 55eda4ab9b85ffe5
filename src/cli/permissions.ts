/** `deputy permissions explain AGENT SERVER/TOOL [ARGS]`: what the rules decide, and where they are written. */
import { explainPermissions as explain, type ExplainedRule } from '../config/explain-permissions.ts';
import { UsageError } from '../errors.ts';
import type { EffectClass } from '../task/effect.ts';
import { cleanText, printableJson } from './clean-text.ts';
import { type ExitCode, exitCode } from './exit.ts';
import type { Globals } from './globals.ts';
import { jsonArgument } from './json-argument.ts';
import { printTable } from './mcp.ts';
import { openConfig } from './open.ts';
import { ownerHere } from './owner-here.ts';
import { paintFor, type Terminal } from './terminal.ts';

const effects: readonly EffectClass[] = ['read', 'idempotent', 'keyed', 'unsafe'];

export async function explainPermissions(
  agent: string,
  tool: string,
  args: string | undefined,
  options: { effect?: string; json?: boolean },
  globals: Globals,
  terminal: Terminal,
): Promise<ExitCode> {
  const effect = effects.find((one) => one === options.effect);
  if (options.effect !== undefined && effect === undefined)
    throw new UsageError(`"${options.effect}" is no effect class: ${effects.join(', ')}.`);
  const config = await openConfig({ ...globals, quiet: true }, terminal);
  const given = args === undefined ? undefined : jsonArgument(args, 'The arguments', '{"path": "README.md"}');
  const explained = explain(config, agent, tool, given, effect, ownerHere());
  if (options.json === true) {
    terminal.out.write(`${printableJson({ type: 'permission', agent, tool, ...explained }, 2)}\n`);
    return exitCode.ok;
  }
  const paint = paintFor(terminal.out);
  const { verdict, rules, dependsOnArguments } = explained;
  const colour = { allow: 'green', ask: 'yellow', deny: 'red' } as const;
  terminal.out.write(
    `${paint(colour[verdict.decision], verdict.decision)} ${cleanText(tool)} (${explained.effect}): ${cleanText(verdict.rule)}\n`,
  );
  if (rules.length > 0) printTable(rules.map(asRow), terminal);
  if (dependsOnArguments) terminal.err.write('It depends on the arguments: give them, as JSON, to see.\n');
  return exitCode.ok;
}

const asRow = ({ text, holds, fault, decides }: ExplainedRule): string[] => [
  decides ? '→' : ' ',
  { yes: 'holds', no: 'does not hold', depends: 'depends' }[holds],
  fault === undefined ? text : `${text}: ${fault}`,
];
