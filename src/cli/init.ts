/** `deputy init`: a first network that runs as it is, without a key. */
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { configJsonSchema } from '../config/config-json-schema.ts';
import { UsageError } from '../errors.ts';
import { type ExitCode, exitCode } from './exit.ts';
import { templates } from './templates.ts';
import type { Terminal } from './terminal.ts';

/** @throws UsageError one of the files is there already: nothing is written. */
export async function init(dir: string, template: keyof typeof templates, terminal: Terminal): Promise<ExitCode> {
  const root = resolve(dir);
  const { files, first } = templates[template];
  const all = { ...files, 'agents.schema.json': `${JSON.stringify(configJsonSchema(), undefined, 2)}\n` };
  const taken = Object.keys(all).filter((file) => file !== 'agents.schema.json' && existsSync(join(root, file)));
  if (taken.length > 0)
    throw new UsageError(
      `${taken.join(', ')} is in ${root} already: nothing was written. Choose another folder: deputy init DIR`,
    );

  for (const [file, content] of Object.entries(all)) {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), content);
  }
  const cd = relative(process.cwd(), root);
  terminal.err.write(
    [
      `Wrote ${Object.keys(all).join(', ')}${cd === '' ? '' : ` into ${cd}`}.`,
      'Next:',
      ...(cd === '' ? [] : [`  cd ${cd}`]),
      `  deputy run ${first.agent} "${first.message}"`,
      '  deputy doctor',
      '  deputy install claude-code',
      '',
    ].join('\n'),
  );
  return exitCode.ok;
}
