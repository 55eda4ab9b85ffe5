import { askCaller } from './client-model.ts';
import { askPatiently } from './model-wait.ts';
import { guarded, type NoReply, prepareQuestion, type Question, replied, type Reply } from './prepare-question.ts';
import type { Run } from './run.ts';

/** Asks the model by which the run thinks: one that is there, or that of the task's caller. */
export function think(run: Run, question: Question): Promise<Reply | NoReply> {
  const { agent, context, model, slots } = run;
  if (model.isClient === true) return askCaller(run, question);
  return askPatiently(run, question.what, (signal) =>
    guarded(run, signal, async (cut): Promise<Reply | NoReply> => {
      const prepared = await prepareQuestion(run, question, cut);
      if (prepared.kind !== 'prepared') return prepared;
      const { output, onDelta } = question;
      const reply = await slots.run(() => {
        cut.throwIfAborted();
        return model.generate({
          system: agent.instructions,
          messages: question.messages(prepared.heard),
          tools: prepared.tools,
          ...(output !== undefined && { output }),
          ...(onDelta !== undefined && { onDelta }),
          cacheKey: agent.name,
          owner: context.owner,
          signal: cut,
        });
      });
      return replied(reply, prepared);
    }),
  );
}
