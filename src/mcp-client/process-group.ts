/**
 * A child process with all that it starts: one process group, begun and ended as one.
 *
 * Invariants: a group that was begun is ended by `end()`, by the exit of this process (hook below) or, when we are
 * killed, by the guard; `end()` resolves only when the child is gone and its group was sent SIGKILL if anything of it
 * was left.
 */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { childEnvironment } from '../child-environment.ts';
import { guardGroup, unguardGroup } from './group-guard.ts';
import { instanceTag, thisInstance } from './leftovers.ts';
import type { StdioTarget } from './options.ts';

export interface ProcessGroup {
  readonly pid: number;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** How the child ended, in words: `exit code 1`, `signal SIGKILL`. */
  readonly exited: Promise<string>;
  /** Close stdin, wait, SIGTERM, wait, SIGKILL. */
  end(): Promise<void>;
  /** SIGKILL at once: for a child that is known not to listen. */
  kill(): Promise<void>;
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>;
const live = new Set<number>();
let hooked = false;

/** @throws Error in words for people: no such command, no such folder, not allowed. */
export async function startGroup(target: StdioTarget, graceMs: number): Promise<ProcessGroup> {
  const child: Child = spawn(target.command, target.args, {
    cwd: target.cwd,
    env: { ...childEnvironment(target.env), [instanceTag]: thisInstance },
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: process.platform !== 'win32',
    windowsHide: true,
  });
  const exited = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`));
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error: NodeJS.ErrnoException) => reject(new Error(startFault(error, target))));
  });
  const pid = child.pid;
  if (pid === undefined) throw new Error(`${target.command} did not start`);
  remember(pid);
  child.on('error', () => {}); // a signal that could not be delivered: the group is ended by its id below
  let isGone = false; // its id may belong to somebody else afterwards
  const kill = async (): Promise<void> => {
    if (isGone) return;
    signalGroup(child, pid, 'SIGKILL');
    await exited;
    isGone = true;
    forget(pid);
  };
  let ending: Promise<void> | undefined;
  const end = async (): Promise<void> => {
    child.stdin.end();
    const stopped = await within(exited, graceMs);
    if (!stopped || groupIsAlive(pid)) {
      signalGroup(child, pid, 'SIGTERM');
      await groupGone(pid, graceMs, exited);
    }
    await kill();
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
  };
  return {
    pid,
    stdin: child.stdin,
    stdout: child.stdout,
    stderr: child.stderr,
    exited,
    end: () => (ending ??= end()),
    kill,
  };
}

/** Default-deny: what a program needs to run at all, what the entry names, and whose it is. */
function startFault(error: NodeJS.ErrnoException, target: StdioTarget): string {
  // spawn says ENOENT for both.
  if (error.code === 'ENOENT' && !existsSync(target.cwd)) return `its folder ${target.cwd} does not exist`;
  if (error.code === 'ENOENT') return `the command ${target.command} was not found; install it or give its full path`;
  if (error.code === 'EACCES') return `${target.command} may not be executed; check its permissions`;
  return error.message;
}

function remember(group: number): void {
  live.add(group);
  guardGroup(group);
  if (hooked) return;
  hooked = true;
  process.on('exit', () => {
    for (const group of live) trySignal(-group, 'SIGKILL');
  });
}

function forget(group: number): void {
  live.delete(group);
  unguardGroup(group);
}

function signalGroup(child: Child, pid: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  if (process.platform === 'win32') child.kill(signal);
  else trySignal(-pid, signal);
}

const groupIsAlive = (pid: number): boolean => process.platform !== 'win32' && trySignal(-pid, 0);

function trySignal(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

async function groupGone(pid: number, ms: number, exited: Promise<string>): Promise<void> {
  const until = Date.now() + ms;
  if (!(await within(exited, ms))) return;
  // Nothing tells the end of a grandchild: look, until it is time for SIGKILL.
  while (groupIsAlive(pid) && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** @returns whether `promise` settled within `ms`. */
async function within(promise: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, ms, false);
  });
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
