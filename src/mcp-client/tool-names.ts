/** Names of tools: `server/tool` for people and globs, `[a-zA-Z0-9_-]{1,64}` for models. */
import { sha256 } from '../hash.ts';
import type { EffectClass } from '../task/effect.ts';
import type { JsonObject } from '../json.ts';
import type { ServerOptions, ToolRule } from './options.ts';

/** Split at its first `__`, such a name gives back server and tool, so no two can be equal. */
const plainServer = /^[a-zA-Z0-9-]+(?:_[a-zA-Z0-9-]+)*$/;
const plainTool = /^[a-zA-Z0-9-][a-zA-Z0-9_-]*$/;
const longest = 64;

/** Names that are too long or odd are shortened, with a hash of the id that tells them apart. */
export function modelName(server: string, tool: string): string {
  const plain = `${server}__${tool}`;
  if (plainServer.test(server) && plainTool.test(tool) && plain.length <= longest) return plain;
  const hash = sha256(`${server}/${tool}`).slice(0, 8);
  return `${plain.replace(/[^a-zA-Z0-9_-]/g, '_').slice(0, longest - 9)}_${hash}`;
}

/** Whether the tool that models know by that name may be of the server. */
export const mayBeOf = (server: string, name: string): boolean =>
  name.startsWith(`${server}__`.replace(/[^a-zA-Z0-9_-]/g, '_').slice(0, longest - 9));

export const ruleFor = (options: ServerOptions, ownName: string): ToolRule | undefined =>
  options.tools.find((rule) => rule.matches(ownName));

/** The operator's word, else the server's where it is trusted, else the worst. Without a key nothing is keyed. */
export function effectOf(options: ServerOptions, rule: ToolRule | undefined, annotations: JsonObject): EffectClass {
  if (rule?.effect === 'keyed' && rule.key === undefined) return 'unsafe';
  if (rule?.effect !== undefined) return rule.effect;
  if (!options.trustsAnnotations) return 'unsafe';
  if (annotations['readOnlyHint'] === true) return 'read';
  return annotations['idempotentHint'] === true ? 'idempotent' : 'unsafe';
}
