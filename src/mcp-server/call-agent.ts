/** A `tools/call`: counted, and answered by the face of whoever calls. */
import { ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server';
import { UnavailableError } from '../errors.ts';
import type { Call, Waiting } from './call.ts';
import { describeEvent, type Happening } from './describe-event.ts';
import { unavailableCode } from './meta.ts';
import { startProgress, type Progress } from './progress.ts';
import type { ToolCallAnswer } from './sdk-seams.ts';

/** How one kind of caller sees a task: starts it (`startTask`), and says what the call is answered with. */
export type Face = (call: Call) => Promise<ToolCallAnswer>;

/**
 * Counts a call while it is answered, and tells its caller what happens meanwhile.
 * @throws ProtocolError a fault of ours, or no room: what the caller's model can mend is a result with `isError`.
 */
export async function answerCall<Request extends Omit<Waiting, 'tell'>, Answer>(
  request: Request,
  answer: (call: Request & Pick<Waiting, 'tell'>) => Promise<Answer>,
): Promise<Answer> {
  const { caller, options } = request;
  caller.onCall?.(1);
  const teller = tellerOf(request);
  try {
    return await caller.calls.run(caller.owner, () => answer({ ...request, tell: teller.tell }));
  } catch (error) {
    if (error instanceof ProtocolError) throw error;
    if (error instanceof UnavailableError) throw new ProtocolError(unavailableCode, error.message);
    options.log.error({ err: error }, 'a call failed');
    throw new ProtocolError(ProtocolErrorCode.InternalError, 'Internal error: the log of this server says more.');
  } finally {
    teller.stop();
    caller.onCall?.(-1);
  }
}

type Context = Call['context'];

/** What happens in the task, to a caller that asked for progress or for log messages: until the call is answered. */
function tellerOf({ context, options }: Omit<Waiting, 'tell'>): { tell: Call['tell']; stop: () => void } {
  const progress = progressTo(context, options.progressMs);
  context.mcpReq.signal.addEventListener('abort', () => progress?.stop(), { once: true });
  return {
    tell(event: Happening) {
      const line = describeEvent(event);
      if (line === undefined) return;
      progress?.tell(line);
      // The SDK keeps to the level that the caller set (2025: per session; 2026: per request, and none means silence).
      if (event.type !== 'tool_progress') context.mcpReq.log('info', line, event.agent).catch(unheard);
    },
    stop: () => progress?.stop(),
  };
}

function progressTo(context: Context, maxGapMs = 5000): Progress | undefined {
  const progressToken = context.mcpReq._meta?.progressToken;
  if (progressToken === undefined) return undefined;
  return startProgress(
    (update) => {
      const params = { progressToken, ...update };
      context.mcpReq.notify({ method: 'notifications/progress', params }).catch(unheard);
    },
    { maxGapMs },
  );
}

/** A caller that is gone hears nothing: its signal or its session's end says so elsewhere. */
const unheard = (): void => undefined;
