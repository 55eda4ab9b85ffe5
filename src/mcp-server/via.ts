/** By which way a caller acts, for the record: what it sent, and what it calls itself. */
import { isJsonObject } from '../json.ts';
import type { Via } from '../task/question.ts';

const longestName = 100;

/** @param info `Implementation`, as the client introduced itself; nobody has checked it. */
export function clientName(info: unknown): string | undefined {
  if (!isJsonObject(info) || typeof info['name'] !== 'string') return undefined;
  const { name, version } = info;
  const said = typeof version === 'string' ? `${name} ${version}` : name;
  const clean = said.replaceAll(/[\p{Cc}\p{Cf}]/gu, ' ').trim();
  return clean === '' ? undefined : clean.slice(0, longestName);
}

/** @param way the MCP method, or the tool, by which it came. */
export const viaMcp = (way: string, client: string | undefined): Via => ({
  channel: `mcp ${way}`,
  ...(client !== undefined && { client }),
});
