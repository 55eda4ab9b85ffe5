/** What the agents of one step of a composed agent are called with. */
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { blockOf, type Content } from '../task/content.ts';
import type { PlannedCall, PlanStep } from './plan.ts';
import { type AgentAnswer, type StepAnswer, structured } from './plan-answers.ts';
import { type List, listAt } from './plan-list.ts';
import type { Exchange, Request, Round } from './plan-talk.ts';

/** All that a call may be made from. */
export interface Known {
  request: Request;
  /** Of the same conversation. */
  earlier: readonly Exchange[];
  hasOwnInput: (agent: string) => boolean;
  /** Undefined in the first step. */
  before: StepAnswer | undefined;
  /** The rounds so far, with what people sent. */
  sent: readonly Round[];
}

export function callsOf(step: PlanStep, known: Known): { calls: PlannedCall[] } | { fault: string } {
  if (!('map' in step)) {
    const agents = 'run' in step ? [step.run] : step.parallel;
    return { calls: agents.map((agent) => ({ agent, args: argsOf(agent, known) })) };
  }
  const agent = step.map;
  const list = listAt(step.over, known.before, structured(known.request.words));
  if ('fault' in list) return { fault: `${agent} cannot be called for each of a list: ${list.fault}` };
  return callsForEach(agent, list, known);
}

/** Characters that the arguments of one step's calls may have together, and what each call is counted for beside them. */
const mostArgs = 64 * 1024 * 1024;
const frame = 500;

/** What one caller says may be told to each of very many: it is looked at before it is all made up, and recorded. */
function callsForEach(agent: string, { items, rest }: List, known: Known): ReturnType<typeof callsOf> {
  const calls: PlannedCall[] = [];
  let size = 0;
  for (const [index, item] of items.entries()) {
    const call = callFor(agent, item, index, rest, known);
    size += frame + JSON.stringify(call.args).length;
    if (size > mostArgs) {
      const why = `its calls would have more than ${mostArgs} characters together`;
      return { fault: `${agent} cannot be called for each of ${items.length} items: ${why}` };
    }
    calls.push(call);
  }
  return { calls };
}

function callFor(agent: string, item: Json, index: number, rest: JsonObject | undefined, known: Known): PlannedCall {
  const isName = typeof item === 'string' && item.length <= longestName && !item.includes('\n');
  return { agent, args: argsOfItem(agent, item, rest, known), item: isName ? item : `${index + 1}` };
}

/** Characters of an item that is its own name. */
const longestName = 200;

/** Who has an input of its own is to be called with what fits it: the tool's check tells what does not. */
function argsOf(agent: string, known: Known): JsonObject {
  const { before, request, hasOwnInput } = known;
  if (!hasOwnInput(agent)) return message(known, request.words, before?.answers ?? []);
  const value = before === undefined ? structured(request.words) : before.value;
  return isJsonObject(value) ? value : { message: before?.text ?? request.words };
}

/**
 * @param rest of the input, where the list was in it: each agent is told what the input says beside its item, and not
 *   of all the other items.
 */
function argsOfItem(agent: string, item: Json, rest: JsonObject | undefined, known: Known): JsonObject {
  const words = typeof item === 'string' ? item : JSON.stringify(item, null, 2);
  if (known.hasOwnInput(agent)) return isJsonObject(item) ? item : { message: words };
  const request =
    rest === undefined ? known.request.words : Object.keys(rest).length === 0 ? '' : JSON.stringify(rest, null, 2);
  return message(known, request, [], words);
}

/** The input of an agent that declares none. What goes alone goes bare. */
function message(known: Known, request: string, answers: readonly AgentAnswer[], item?: string): JsonObject {
  const more = [...known.request.rest, ...known.sent.flatMap(({ sent }) => sent)];
  const sent = more.filter((block) => block.type === 'text').map(({ text }) => text);
  const others: Content[] = [
    ...more.filter((block) => block.type !== 'text'),
    ...answers.flatMap(({ others }) => others),
  ];
  const marked: [tag: string, words: string][] = [
    ...known.earlier.flatMap((one): [string, string][] => [
      ['earlier_request', one.request],
      ['earlier_answer', one.answer],
    ]),
    ...(request === '' && item !== undefined ? [] : [['request', request] as [string, string]]),
    ...answers.map((answer): [string, string] => [`answer ${markOf(answer)}`, answer.text]),
    ...(item === undefined ? [] : [['item', item] as [string, string]]),
  ];
  const [only] = marked;
  const parts = marked.length === 1 && only !== undefined ? [only[1]] : marked.map(tagged);
  return {
    message: [...parts, ...sent].join('\n\n'),
    ...(others.length > 0 && { attachments: others.map(blockOf) }),
  };
}

const markOf = ({ agent, item, isError }: AgentAnswer): string =>
  `from="${agent}"${item === undefined ? '' : ` item=${JSON.stringify(item)}`}${isError ? ' failed="true"' : ''}`;

const tagged = ([tag, words]: [string, string]): string => `<${tag}>\n${words}\n</${tag.split(' ', 1)[0]}>`;
