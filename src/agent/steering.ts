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

/**
 * The end of a conversation with what was sent: behind the tool results, in one message with them, because what calls
 * came to is told in the message that follows them. `replaces`: how many messages it stands for.
 */
export function endWith(messages: readonly Message[], sent: readonly Sent[]): { end: Message[]; replaces: 0 | 1 } {
  if (sent.length === 0) return { end: [], replaces: 0 };
  const last = messages.at(-1);
  const words = sent.map(sentText);
  if (last?.role !== 'user') return { end: [{ role: 'user', content: words }], replaces: 0 };
  return { end: [{ ...last, content: [...last.content, ...words] }], replaces: 1 };
}

/**
 * Something came while the model wrote its answer: it is told, as long as another turn may be taken. Otherwise the
 * answer stands. Read outside a step, yet a replay decides the same: what was sent is never taken back, so it sees at
 * least what was seen then; and it sees more only where the task had come to its end, so that nothing is recorded yet.
 */
export const isAnswerTooEarly = (run: Run, { stop }: TaskResult): boolean =>
  stop === 'answer' &&
  unheard(run).length > 0 &&
  limitReached(run.budget, run.spent, workTime(run.context)) === undefined;
