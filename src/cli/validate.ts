/** `deputy validate`: everything that is wrong with the configuration, at once. */
import type { Config } from '../config/config.ts';
import { formatProblems } from '../config/format-problems.ts';
import { printableJson } from './clean-text.ts';
import { type ExitCode, exitCode } from './exit.ts';
import type { Globals } from './globals.ts';
import { hasColor, readNetwork } from './open.ts';
import { count } from './progress-lines.ts';
import type { Terminal } from './terminal.ts';

export async function validate(globals: Globals, json: boolean, terminal: Terminal): Promise<ExitCode> {
  const loaded = await readNetwork(globals);
  const problems = loaded.ok ? loaded.warnings : loaded.problems;
  const code = loaded.ok ? exitCode.ok : exitCode.usage;
  if (json) {
    const file = loaded.ok ? { file: loaded.config.file } : {};
    terminal.out.write(`${printableJson({ type: 'validation', ok: loaded.ok, ...file, problems }, 2)}\n`);
    return code;
  }
  if (problems.length > 0) terminal.err.write(`${formatProblems(problems, { color: hasColor(terminal.err) })}\n`);
  if (loaded.ok && globals.quiet !== true) terminal.out.write(`${verdict(loaded.config, problems.length)}\n`);
  if (!loaded.ok) {
    const errors = problems.filter((problem) => problem.severity === 'error').length;
    terminal.err.write(`${count(errors, 'error')}\n`);
  }
  return code;
}

function verdict({ file, agents, servers }: Config, warnings: number): string {
  const what = [count(agents.length, 'agent'), count(servers.length, 'server'), count(warnings, 'warning')];
  return `${file} is valid: ${what.join(', ')}`;
}
