/**
 * Hands a server's question on to the people of the task, while its call is open. They are told who asks, in which
 * chain, and the server's words are quoted as such. What asks for a secret is declined: the specification forbids it
 * in a form (2026-07-28, client/elicitation), and a model's tools have no business with it.
 */
import { sha256 } from '../hash.ts';
import { isJsonObject, type Json } from '../json.ts';
import type { InputRequest, InputResponse } from '../task/question.ts';
import { type Calling, chainOf } from './prepare-call.ts';
import { quoted, visible } from './visible.ts';

export interface Relayed {
  /** The name of the step whose call is open. */
  step: string;
  /** `server/tool`. */
  tool: string;
  key: string;
  request: InputRequest;
  signal: AbortSignal;
}

export function relayQuestion({ run, branch }: Calling, relayed: Relayed): Promise<InputResponse> {
  const { step, tool, key, request, signal } = relayed;
  const wrapped = wrappedOf(request, `${visible(chainOf(run).join(' → '))} → server ${visible(serverOf(tool))}`);
  if (wrapped.kind !== 'no') return branch.relay(step, nameOf(step, key), wrapped, signal);
  const note = { agent: run.agent.name, tool, rule: 'questions of servers', detail: wrapped.why };
  branch.note({ action: 'denied', ...note });
  return Promise.resolve({ action: 'decline' });
}

/** No name that a server chooses is one of ours, or another branch's. */
const nameOf = (step: string, key: string): string => `${step} asks ${sha256(key).slice(0, 16)}`;

const serverOf = (tool: string): string => tool.split('/')[0] ?? tool;

function wrappedOf(request: InputRequest, who: string): InputRequest | { kind: 'no'; why: string } {
  switch (request.kind) {
    case 'form': {
      const secret = secretIn(request.message, request.schema);
      if (secret !== undefined) return { kind: 'no', why: `it asks for a secret: ${secret}` };
      // An approval is ours alone to ask for.
      return { kind: 'form', message: `${who} asks:\n${quoted(request.message)}`, schema: request.schema };
    }
    case 'url': {
      const address = safeAddress(request.url);
      if (address === undefined) return { kind: 'no', why: 'it asks to open what is no plain web address' };
      const lines = [
        `${who} asks you to open a page:`,
        quoted(request.message),
        `Address: ${address.href}`,
        ...(/(^|\.)xn--/.test(address.hostname)
          ? ['Beware: the name of its host has unusual letters, and may only look like one that you know.']
          : []),
      ];
      return { ...request, url: address.href, message: lines.join('\n') };
    }
    case 'sampling':
    case 'roots':
      return { kind: 'no', why: `it asks for ${request.kind}, which is nothing that people are asked` };
  }
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
