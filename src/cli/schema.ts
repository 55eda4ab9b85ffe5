/** `deputy schema`: the JSON Schema of agents.yaml. */
import { configJsonSchema } from '../config/config-json-schema.ts';
import { type ExitCode, exitCode } from './exit.ts';
import type { Terminal } from './terminal.ts';

export function schema(terminal: Terminal): ExitCode {
  terminal.out.write(`${JSON.stringify(configJsonSchema(), undefined, 2)}\n`);
  return exitCode.ok;
}
