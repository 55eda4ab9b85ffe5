/** An agent's own question to a person: a tool that is a question of the task, in the agent's words, quoted as such. */
import { sha256 } from '../hash.ts';
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { text } from '../task/content.ts';
import type { InputRequest, InputResponse } from '../task/question.ts';
import { callStep } from './call-steps.ts';
import type { ToolSpec } from './model.ts';
import { verdictOf } from './policy.ts';
import { type Calling, chainOf, failed, useOf } from './prepare-call.ts';
import type { ToolOutcome } from './tool.ts';
import { asksText, visible } from './visible.ts';

export const askPersonSpec: ToolSpec = {
  name: 'ask_person',
  description:
    'Asks the person for whom you work, and waits for the answer, which may take days. Use it when you cannot go on ' +
    'without a decision or a fact that only a person has. Do not ask for passwords, keys or other secrets.',
  inputSchema: {
    type: 'object',
    properties: {
      question: { type: 'string', description: 'One question, with all that is needed to answer it.' },
      options: {
        type: 'array',
        items: { type: 'string' },
        minItems: 2,
        maxItems: 20,
        description: 'The answers to choose from, where no other will do.',
      },
    },
    required: ['question'],
  },
};

/** Milliseconds. */
const patience = 86_400_000;

/** Rules may forbid a question; that they ask for leave to ask changes nothing. */
export async function askPerson(calling: Calling): Promise<ToolOutcome> {
  const { run, call, branch } = calling;
  const asked = questionIn(call.malformed ?? call.args);
  const args = isJsonObject(call.args) ? call.args : {};
  const tool = askPersonSpec.name;
  const use = useOf(calling, { id: tool, effect: 'read' }, args);
  const { decision, rule } = verdictOf(use, run.agent.policy, run.budget.callers);
  if (decision === 'deny')
    return branch.step(callStep, async () => {
      branch.note({ action: 'denied', agent: run.agent.name, tool, args: sha256(JSON.stringify(args)), rule });
      return failed(`Not asked: ${rule} forbids ${tool}.`);
    });
  const outcome =
    'fault' in asked
      ? failed(`The arguments for ${askPersonSpec.name} do not fit its input schema:\n${asked.fault}`)
      : outcomeOf(await branch.requestInput('question', formOf(chainOf(run), asked), patience));
  return branch.step(callStep, () => Promise.resolve(outcome));
}

interface Asked {
  question: string;
  options?: string[];
}

function questionIn(args: Json): Asked | { fault: string } {
  if (!isJsonObject(args)) return { fault: 'the value must be an object' };
  const { question, options } = args;
  if (typeof question !== 'string' || question.trim() === '') return { fault: 'question must be a text' };
  if (options === undefined || options === null) return { question };
  if (!Array.isArray(options) || options.length < 2 || options.length > 20)
    return { fault: 'options must be a list of 2 to 20 texts' };
  const texts = options.filter((option) => typeof option === 'string' && option.trim() !== '' && option.length <= 200);
  if (texts.length < options.length || new Set(texts).size < options.length)
    return { fault: 'options must be different texts of at most 200 characters' };
  return { question, options: texts as string[] };
}

function formOf(chain: readonly string[], { question, options }: Asked): InputRequest {
  // Not the word "secret": Deputies above decline a form that speaks of one (`relayQuestion`).
  const answer: JsonObject =
    options === undefined
      ? { type: 'string', title: 'Answer', minLength: 1, description: 'The model reads this: nothing confidential.' }
      : {
          type: 'string',
          title: 'Answer',
          oneOf: options.map((option) => ({ const: option, title: visible(option) })),
        };
  return {
    kind: 'form',
    message: asksText(chain, question),
    schema: { type: 'object', properties: { answer }, required: ['answer'] },
    chain,
    words: question,
  };
}

function outcomeOf(response: InputResponse): ToolOutcome {
  switch (response.action) {
    case 'accept': {
      const { answer } = response.content;
      return { content: [text(typeof answer === 'string' ? answer : JSON.stringify(answer ?? null))], isError: false };
    }
    case 'decline':
      return failed('No answer: the question was declined.');
    case 'expired':
      return failed('No answer: nobody answered within 24 h.');
    case 'cancel':
    case 'withdrawn':
      return failed('No answer: the question was withdrawn.');
  }
}
