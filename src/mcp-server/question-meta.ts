import type { JsonObject } from '../json.ts';
import { questionKey } from '../meta-keys.ts';
import type { Approval, Asker, InputRequest } from '../task/question.ts';
import type { Task } from '../task/task.ts';

/**
 * What a Deputy above needs to ask a question in words of its own: `{id?, chain, words?, mustDecide?, approval?}` in the
 * `_meta` of the request. `id`: its wire key, where the wire has no place for one, so that it is known again when it is
 * put again. For tasks that a Deputy called: nobody else is told more than the question.
 */
export function questionMeta(
  { agent, mandate }: Pick<Task, 'agent' | 'mandate'>,
  request: InputRequest,
  id?: string,
): JsonObject {
  if (mandate === undefined) return {};
  const asker: Asker = 'message' in request ? request : {};
  const { approval, mustDecide } = request.kind === 'form' ? request : {};
  const said: JsonObject = {
    ...(id !== undefined && { id }),
    chain: [...(asker.chain ?? approval?.chain ?? [agent])],
    ...(asker.words !== undefined && { words: asker.words }),
    ...(mustDecide !== undefined && { mustDecide }),
    ...(approval !== undefined && { approval: handedOn(approval) }),
  };
  return { [questionKey]: said };
}

/** With the exact arguments, as its form shows them: a person judges them, and nobody else. */
function handedOn(approval: Approval): JsonObject {
  const { chain: _, ...told } = approval;
  return told;
}
