/**
 * `model: client`: an agent that thinks with its caller's model. Called by another agent, that is the caller's own model.
 * As a task's own agent it asks its caller by a question of the task (`sampling/createMessage`), which waits like every
 * question does: for days, over restarts, and without using up its time. What the model uses is the caller's to pay: a
 * Deputy tells it, and it is counted; of any other caller nothing is known, so that limits of tokens and cost see nothing
 * of it, while those of turns, calls and time hold. How large its window is nobody tells, so that nothing is compacted.
 *
 * One question is three records: what it is asked with (`turn 3: question`), the question (`turn 3: sampling`), and the
 * reply (`turn 3: model`), which is the one that every agent has.
 */
import type { InputResponse } from '../task/question.ts';
import type { Message, Model } from './model.ts';
import { askPatiently } from './model-wait.ts';
import {
  guarded,
  type NoReply,
  type Prepared,
  prepareQuestion,
  type Question,
  replied,
  type Reply,
} from './prepare-question.ts';
import type { Run } from './run.ts';
import { paramsOf } from './sampling-request.ts';
import { replyFrom } from './sampling-result.ts';

/** Stands for the model of whoever calls. Nothing is asked of itself. */
export const clientModel: Model = {
  id: 'client',
  isClient: true,
  generate: () => Promise.reject(new Error('the model of the caller is asked by a question')),
};

/** Milliseconds that the caller has. */
const expiry = 7 * 24 * 3_600_000;

export async function askCaller(run: Run, question: Question): Promise<Reply | NoReply> {
  const { agent, context, spent } = run;
  const of = question.what === 'model' ? '' : 'compact ';
  const turn = `turn ${spent.turns}`;
  const asked = await askPatiently(run, `${of}question`, (signal) =>
    guarded(run, signal, async (cut) => bare(await prepareQuestion(run, question, cut))),
  );
  const last = `${turn}: ${question.what}`;
  if (asked.kind !== 'prepared') return context.step(last, () => Promise.resolve(asked));

  const messages = question.messages(asked.heard);
  const { output } = question;
  const params = paramsOf({
    system: agent.instructions,
    messages,
    tools: asked.tools,
    ...(output !== undefined && { output }),
  });
  const response = await context.requestInput(`${turn}: ${of}sampling`, { kind: 'sampling', params }, expiry);
  return context.step(last, () => Promise.resolve(readResponse(run, response, asked, messages)));
}

/** What is recorded of tools: what the caller's model is told of them. */
function bare(prepared: Prepared | NoReply): Prepared | NoReply {
  if (prepared.kind !== 'prepared') return prepared;
  const tools = prepared.tools.map(({ name, description, inputSchema, isAgent }) => ({
    name,
    description,
    inputSchema,
    ...(isAgent === true && { isAgent }),
  }));
  return { ...prepared, tools };
}

function readResponse(
  { agent }: Run,
  response: InputResponse,
  asked: Prepared,
  messages: readonly Message[],
): Reply | NoReply {
  const none = (why: string): NoReply => ({
    kind: 'stopped',
    stop: 'model_unavailable',
    message: `${agent.name} thinks with the model of its caller (model: client), and ${why}.`,
  });
  switch (response.action) {
    case 'accept': {
      const reply = replyFrom(response.content, messages);
      return 'fault' in reply ? none(`what came back cannot be used: ${reply.fault}`) : replied(reply, asked);
    }
    case 'decline':
    case 'cancel':
      return none('the caller did not lend it');
    case 'expired':
      return none('the caller did not lend it within a week');
    case 'withdrawn':
      return none('nobody waits for its answer any more');
  }
}
