/** What the operator's hooks make of a result: a step of its own, so that the raw one stays on record before it. */
import type { JsonObject } from '../json.ts';
import { sha256 } from '../hash.ts';
import { type Content, text } from '../task/content.ts';
import { afterToolStep } from './call-steps.ts';
import { type Calling, failed } from './prepare-call.ts';
import { hooksAt, runHooks } from './run-hooks.ts';
import { readResultSpec } from './spill.ts';
import type { ToolOutcome } from './tool.ts';

/** `outcome` is that of a call which was made, or one that is nobody's business: then it stays as it is. */
export async function afterTool({ run, branch }: Calling, outcome: ToolOutcome): Promise<ToolOutcome> {
  const { made, ...raw } = outcome;
  if (made === undefined) return outcome;
  // A page of a long result may be of any tool's.
  const hooks = hooksAt(run.agent.hooks, 'after_tool', made.tool === readResultSpec.name ? undefined : made.tool);
  if (hooks.length === 0) return outcome;
  const { name } = run.agent;
  return branch.step(afterToolStep, async (signal) => {
    const input = {
      place: 'after_tool' as const,
      agent: name,
      task: branch.task,
      owner: branch.owner,
      tool: made.tool,
      args: JSON.parse(made.bytes) as JsonObject,
      content: wordsOf(raw.content),
      isError: raw.isError,
    };
    const said = await runHooks(hooks, input, signal);
    if (said.kind === 'pass') return raw;
    if (said.kind === 'change' && typeof said.value === 'string')
      return { ...raw, content: [text(said.value), ...raw.content.filter(isWordless)] };
    const reason = said.kind === 'deny' ? said.reason : 'a hook changed it to what is no text';
    branch.note({
      action: 'denied',
      agent: name,
      tool: made.tool,
      args: sha256(made.bytes),
      rule: 'after_tool',
      detail: reason,
    });
    const { kept: _, ...rest } = raw;
    return { ...rest, ...failed(`The result was withheld: ${reason}`) };
  });
}

/** Whatever a model would read, so that nothing passes by the hooks in another kind of block. */
const wordsOf = (content: readonly Content[]): string => content.flatMap(words).join('\n');

function words(block: Content): string[] {
  switch (block.type) {
    case 'text':
      return [block.text];
    case 'resource':
      return 'text' in block ? [block.uri, block.text] : [];
    case 'resource_link':
      return [[block.name, block.uri, block.description].filter((part) => part !== undefined).join(' ')];
    case 'image':
    case 'audio':
      return [];
  }
}

const isWordless = (block: Content): boolean => words(block).length === 0;
