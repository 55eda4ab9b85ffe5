/**
 * What people send to a running task is put before the model's next turn. It is taken inside the step that asks the
 * model and recorded with the reply, so that a replay hears the same at the same place.
 */
import { text, type TextContent } from '../task/content.ts';
import type { Sent } from '../task/question.ts';
import type { TaskResult } from '../task/task.ts';
import { limitReached, workTime } from './limits.ts';
import type { Message } from './model.ts';
import type { Run } from './run.ts';

/** Only the task's own agent hears: a message is about the task, whose parts are that agent's to direct. */
export function unheard({ context, heard }: Run): readonly Sent[] {
  if (context.path !== '') return [];
  const { inbox } = context;
  const last = heard.at(-1)?.seq ?? 0;
  return (inbox.at(-1)?.seq ?? 0) > last ? inbox.filter(({ seq }) => seq > last) : [];
}

export const sentText = ({ text: words, by }: Sent): TextContent =>
  text(`[Message from ${by.owner} while you work]: ${words}`);

/** Nothing where nothing was sent. */
export const sentMessages = (sent: readonly Sent[]): Message[] =>
  sent.length === 0 ? [] : [{ role: 'user', content: sent.map(sentText) }];

/**
 * Something came while the model wrote its answer: it is told, as long as another turn may be taken. Otherwise the
 * answer stands. Read outside a step, yet a replay decides the same: what was sent is never taken back, so it sees at
 * least what was seen then; and it sees more only where the task had come to its end, so that nothing is recorded yet.
 */
export const isAnswerTooEarly = (run: Run, { stop }: TaskResult): boolean =>
  stop === 'answer' &&
  unheard(run).length > 0 &&
  limitReached(run.budget, run.spent, workTime(run.context)) === undefined;
