/** Text in the editor of the person at this terminal: `$VISUAL`, `$EDITOR`, else vi. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UsageError } from '../errors.ts';

/** @throws UsageError the editor cannot be started, or ended with an error: nothing is to be taken from it. */
export async function editText(text: string, extension: string): Promise<string> {
  const [editor = 'vi', ...args] = (process.env['VISUAL'] ?? process.env['EDITOR'] ?? 'vi').split(' ');
  const folder = mkdtempSync(join(tmpdir(), 'deputy-edit-'));
  const file = join(folder, `edit${extension}`);
  try {
    writeFileSync(file, `${text}\n`, { mode: 0o600 });
    const { error, status } = spawnSync(editor, [...args, file], { stdio: 'inherit' });
    if (error !== undefined) throw new UsageError(`The editor ${editor} cannot be started: ${error.message}`);
    if (status !== 0) throw new UsageError(`The editor ended with ${status ?? 'a signal'}: nothing was answered.`);
    return readFileSync(file, 'utf8');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
