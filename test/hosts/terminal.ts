/** Claude Code as a person has it: in a terminal (tmux), answered by keys. */
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

interface Session {
  cwd: string;
  /** What is typed first. */
  order: string;
  isDone: () => boolean;
}

const longestMs = 120_000;

/** Types the order, waits for the form, approves. @returns what stood on the screen last. */
export async function approveInTerminal(
  claude: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  { cwd, order, isDone }: Session,
): Promise<string> {
  const name = `deputy-${randomUUID().slice(0, 8)}`;
  const tmux = (...words: string[]): string => {
    const { stdout, error } = spawnSync('tmux', ['-L', name, ...words], { encoding: 'utf8', env: { ...env } });
    if (error !== undefined) throw new Error(`tmux is needed for this one: ${error.message}`);
    return stdout;
  };
  const screen = (): string => tmux('capture-pane', '-p', '-t', name);
  const until = async (pattern: RegExp): Promise<void> => {
    for (const end = Date.now() + longestMs; !pattern.test(screen()); await sleep(200))
      if (Date.now() > end) throw new Error(`never saw ${String(pattern)}:\n${screen()}`);
  };
  onboarded(env['HOME'] ?? '', cwd);
  tmux('new-session', '-d', '-s', name, '-x', '120', '-y', '45', '-c', cwd, claude, ...args);
  try {
    await until(/^[>❯]/m);
    tmux('send-keys', '-t', name, '-l', order);
    // Keys that come at once are taken for a paste, and Enter for a part of it.
    await until(new RegExp(order.slice(-12).replaceAll(/[{}]/g, String.raw`\$&`)));
    await sleep(2_000);
    tmux('send-keys', '-t', name, 'Enter');
    await until(/Accept/);
    // The decision: opened, "deny" passed, "approve" chosen; then over note and arguments down to Accept.
    for (const key of ['Right', 'Down', 'Space', 'Down', 'Down', 'Down', 'Enter']) {
      tmux('send-keys', '-t', name, key);
      await sleep(400);
    }
    for (const end = Date.now() + longestMs; !isDone() && Date.now() < end;) await sleep(200);
    await sleep(1_000);
    return screen();
  } finally {
    tmux('kill-server');
  }
}

/** What the first start would ask. */
function onboarded(home: string, cwd: string): void {
  const answers = {
    hasCompletedOnboarding: true,
    customApiKeyResponses: { approved: ['sk-fake'] },
    projects: { [cwd]: { hasTrustDialogAccepted: true } },
  };
  writeFileSync(join(home, '.claude.json'), JSON.stringify(answers));
}
