/** A tool as it may be offered: as it is, or, where it is not what was pinned, as it was pinned, with the change. */
import type { DefinitionChange } from '../agent/tool.ts';
import type { JsonObject } from '../json.ts';
import { definitionDiff } from './definition-diff.ts';
import type { Pins } from './pins.ts';
import { readTool, type ServerTool } from './server-tool.ts';
import { pinOf } from './tool-pin.ts';

export interface PinnedTool {
  /** What models are told of, and what is checked and called. */
  tool: ServerTool;
  /** Of the definition that the server has now. */
  pin: string;
  change?: DefinitionChange;
}

export function pinnedTool(server: string, tool: ServerTool, pins: Pins | undefined): PinnedTool {
  const { definition, ownName } = tool;
  const pin = pinOf(definition);
  const pinned = pins?.of(server).get(ownName);
  if (pins === undefined || pinned === undefined || pinned.sha256 === pin) return { tool, pin };
  const before = readTool(pinned.definition);
  const change = changeOf(pinned.definition, definition, () => pins.set(server, ownName, definition));
  // A pinned definition that cannot be read any more (our bounds changed) says less than none.
  const told = typeof before === 'string' ? { ...tool, description: '', annotations: {} } : before;
  const { taskSupport, isAgent } = tool;
  return { tool: { ...told, ownName, taskSupport, isAgent }, pin, change };
}

function changeOf(
  before: JsonObject | undefined,
  now: JsonObject | undefined,
  accept: () => Promise<void>,
): DefinitionChange {
  let diff: string | undefined;
  return {
    get diff() {
      return (diff ??= definitionDiff(before, now));
    },
    accept,
  };
}

/** One way in which a server's list is not what is pinned. */
export interface PinDifference extends DefinitionChange {
  /** `server/tool`, as the server calls it. */
  id: string;
  kind: 'new' | 'changed' | 'removed';
}

export function pinDifferences(server: string, tools: readonly ServerTool[], pins: Pins): PinDifference[] {
  const pinned = pins.of(server);
  const differences: PinDifference[] = [];
  const add = (name: string, before: JsonObject | undefined, now: JsonObject | undefined): void => {
    const kind = before === undefined ? 'new' : now === undefined ? 'removed' : 'changed';
    const change = changeOf(before, now, () => pins.set(server, name, now));
    differences.push(Object.assign(change, { id: `${server}/${name}`, kind } as const));
  };
  for (const { ownName, definition } of tools) {
    const before = pinned.get(ownName);
    if (before?.sha256 !== pinOf(definition)) add(ownName, before?.definition, definition);
  }
  const listed = new Set(tools.map(({ ownName }) => ownName));
  for (const [name, { definition }] of pinned) if (!listed.has(name)) add(name, definition, undefined);
  return differences;
}
