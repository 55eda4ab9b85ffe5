/** What this room is told: the hooks of one agent. */
import type { HookPlace } from '../agent/hooks.ts';

export interface HookOptions {
  place: HookPlace;
  /** For people: the file or the command, as it is written. */
  name: string;
  /** Of the places around a tool: which tools (`server/tool`). */
  readonly matches: (tool: string) => boolean;
  /** Milliseconds after which it denies. */
  timeoutMs: number;
  /** A module by its absolute path, or a program with its arguments: no shell is involved. */
  run: { kind: 'module'; file: string } | { kind: 'command'; argv: readonly string[]; cwd: string };
}
