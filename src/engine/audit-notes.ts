/**
 * What the engine puts on the audit log of what goes through it. What was said and shown is named by its hash: the
 * journal has the words, and forgets them in its time; the log stays. What is written often has its keys in order: so
 * they need no sorting.
 */
import { sha256 } from '../hash.ts';
import type { JsonObject } from '../json.ts';
import type { AuditNote } from '../task/audit.ts';
import type { Grant } from '../task/engine.ts';
import type { EffectClass } from '../task/effect.ts';
import type { Answer, Answerer, Question, Sent, Timer } from '../task/question.ts';
import type { Task } from '../task/task.ts';

export const startedNote = ({ agent, owner, input, predecessor, definition }: Task): AuditNote => ({
  action: 'started',
  agent,
  detail: {
    ...(definition !== undefined && { definition }),
    input: sha256(JSON.stringify(input)),
    owner,
    ...(predecessor !== undefined && { predecessor }),
  },
});

/** @param outcome JSON text. */
export const endedNote = (status: string, outcome: string): AuditNote => ({
  action: 'ended',
  detail: { outcome: sha256(outcome), status },
});

export const calledNote = (bytes: string, effect: EffectClass, grant: Grant | undefined): AuditNote => ({
  action: 'called',
  args: sha256(bytes),
  ...grant,
  detail: { effect },
});

type Asked = Pick<Question, 'request' | 'wireKey'>;

export const askedNote = (asked: Asked): AuditNote =>
  questionNote('asked', asked, { request: sha256(JSON.stringify(asked.request)) });

/** Of the answer's own words only the decision is told. */
export function answeredNote(asked: Asked, { response, by }: Answer): AuditNote {
  if (response.action !== 'accept') return { ...questionNote('answered', asked, { action: response.action }), by };
  const { decision } = response.content;
  return {
    ...questionNote('answered', asked, {
      action: response.action,
      ...(typeof decision === 'string' && isApproval(asked.request) && { decision }),
      content: sha256(JSON.stringify(response.content)),
    }),
    by,
  };
}

export const overNote = (action: 'expired' | 'withdrawn', asked: Asked): AuditNote => questionNote(action, asked, {});

export const sentNote = ({ seq, text, by }: Sent): AuditNote => ({
  action: 'sent',
  by,
  detail: { seq, text: sha256(text) },
});

export const byNote = (action: 'retried' | 'cancelled', by: Answerer): AuditNote => ({ action, by });

const isApproval = (request: Question['request']): boolean => request.kind === 'form' && request.approval !== undefined;

function questionNote(action: AuditNote['action'], { request, wireKey }: Asked, detail: JsonObject): AuditNote {
  const about = { detail: { kind: request.kind, question: wireKey, ...detail } };
  if (request.kind !== 'form' || request.approval === undefined) return { action, ...about };
  const { tool, rule, hash, bytes } = request.approval;
  return { action, tool, rule, approval: hash, args: sha256(bytes), ...about };
}

export const isTimer = (request: Question['request']): request is Timer => request.kind === 'timer';
