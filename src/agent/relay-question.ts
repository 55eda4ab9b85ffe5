/**
 * Hands the question of a server on to the people of the task, while its call is open. They are told who asks, in which
 * chain; that is ours, and the words of who asks are quoted as such: once, however many Deputies they went through. What
 * asks for a secret is declined: the specification forbids it in a form (2026-07-28, client/elicitation), and a model's
 * tools have no business with it.
 *
 * Of another Deputy (`mcpServers.*.deputy`) there are two more: the approval of a call there, of which the whole question
 * is made by us, and a question that nobody can decline, about a call of which nobody knows whether it happened.
 */
import { sha256 } from '../hash.ts';
import { isJsonObject, type Json } from '../json.ts';
import type { Asker, InputRequest, InputResponse } from '../task/question.ts';
import { approvalFormOfOther } from './approval.ts';
import { type Calling, chainOf } from './prepare-call.ts';
import { unknownSchema } from './unknown-call.ts';
import { asksText, quoted, shownChain } from './visible.ts';

export interface Relayed {
  /** The name of the step whose call is open. */
  step: string;
  /** `server/tool`. */
  tool: string;
  key: string;
  request: InputRequest;
  signal: AbortSignal;
}

export function relayQuestion(calling: Calling, relayed: Relayed): Promise<InputResponse> {
  const { run, branch } = calling;
  const { step, tool, key, request, signal } = relayed;
  const wrapped = wrappedOf(request, calling, serverOf(tool));
  if (wrapped.kind !== 'no') return branch.relay(step, nameOf(step, key), wrapped, signal);
  const note = { agent: run.agent.name, tool, rule: 'questions of servers', detail: wrapped.why };
  branch.note({ action: 'denied', ...note });
  return Promise.resolve({ action: 'decline' });
}

/** No name that a server chooses is one of ours, or another branch's. */
const nameOf = (step: string, key: string): string => `${step} asks ${sha256(key).slice(0, 16)}`;

const serverOf = (tool: string): string => tool.split('/')[0] ?? tool;

type Wrapped = InputRequest | { kind: 'no'; why: string };

function wrappedOf(request: InputRequest, { run }: Calling, server: string): Wrapped {
  if (request.kind === 'sampling' || request.kind === 'roots')
    return { kind: 'no', why: `it asks for ${request.kind}, which is nothing that people are asked` };
  // Only of another Deputy it is told who asks there: the rest may say what it likes.
  const isOfAgent = request.chain !== undefined;
  const chain = [...chainOf(run), ...(request.chain ?? [`server ${server}`])];
  const words = (isOfAgent ? request.words : undefined) ?? request.message;
  if (request.kind === 'url') return wrappedUrl(request, { chain, words });

  const { approval, mustDecide } = isOfAgent ? request : {};
  // Its arguments are what is asked about, whatever they hold.
  if (approval !== undefined) return approvalFormOfOther({ ...approval, chain }, request.words);
  const asked = { kind: 'form', message: asksText(chain, words), chain, words } as const;
  if (mustDecide === true) return { ...asked, mustDecide, schema: unknownSchema };
  const secret = secretIn(words, request.schema);
  if (secret !== undefined) return { kind: 'no', why: `it asks for a secret: ${secret}` };
  return { ...asked, schema: request.schema };
}

function wrappedUrl(request: InputRequest & { kind: 'url' }, { chain, words }: Required<Asker>): Wrapped {
  const address = safeAddress(request.url);
  if (address === undefined) return { kind: 'no', why: 'it asks to open what is no plain web address' };
  const lines = [
    `${shownChain(chain)} asks you to open a page:`,
    quoted(words),
    `Address: ${address.href}`,
    ...(/(^|\.)xn--/.test(address.hostname)
      ? ['Beware: the name of its host has unusual letters, and may only look like one that you know.']
      : []),
  ];
  return { ...request, url: address.href, message: lines.join('\n'), chain, words };
}

/** A name and a password before the host are there to be taken for the host. */
function safeAddress(value: string): URL | undefined {
  const address = URL.parse(value);
  if (address === null || !['https:', 'http:'].includes(address.protocol)) return undefined;
  return address.username === '' && address.password === '' ? address : undefined;
}

const secrets =
  /\b(pass ?words?|passwd|pass ?(phrase|code)|pwd|(api|access|private|secret|signing|encryption|recovery|seed) ?(key|token|phrase|code)s?|token|secrets?|credentials?|client secret|pin|cvv2?|cvc2?|ssn|social security|otp|one time (code|password)|(verification|security|mfa|2fa|totp) ?code|(credit|debit)? ?card number)\b/;
/** In a sentence these mean other things as well. */
const wanting = /\b(enter|provide|type|give|paste|share|send|supply|submit|tell|need|what is|what s|your)\b/;

/** @returns where a form asks for what nobody may be asked for; undefined where it does not. */
function secretIn(message: string, schema: Json): string | undefined {
  const properties = isJsonObject(schema) && isJsonObject(schema['properties']) ? schema['properties'] : {};
  const open = Object.entries(properties).filter(([, field]) => isJsonObject(field) && isOpen(field));
  for (const [name, field] of open) {
    const { title, description, format } = field as { [key: string]: Json };
    if (format === 'password') return `the field "${name}"`;
    for (const words of [name, title, description])
      if (typeof words === 'string' && secrets.test(plain(words))) return `the field "${name}"`;
  }
  const said = plain(message);
  const found = wanting.test(said) ? secrets.exec(said)?.[0] : undefined;
  return open.length > 0 && found !== undefined ? `its message wants a ${found}` : undefined;
}

/** A choice or a yes holds no secret. */
const isOpen = ({ type, enum: choices, oneOf }: { [key: string]: Json }): boolean =>
  type !== 'boolean' && type !== 'array' && choices === undefined && oneOf === undefined;

/** `apiKey`, `API_KEY` and `Api-Key` are one, whatever is hidden in them. */
const plain = (words: string): string =>
  words
    .normalize('NFKC')
    .replaceAll(/[\p{Cf}\p{Default_Ignorable_Code_Point}]/gu, '')
    .replaceAll(/([a-z\d])([A-Z])/g, '$1 $2')
    .replaceAll(/[^\p{L}\p{N}]+/gu, ' ')
    .toLowerCase()
    .trim();
