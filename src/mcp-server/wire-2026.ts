/** The wire of 2026-07-28: what a caller can do is declared with every request, and counts for that request only. */
import { followTask, isAsking } from './follow-task.ts';
import { declaredInRequest } from './sdk-seams.ts';
import { call2026 } from './call-2026.ts';
import type { Wire } from './wire.ts';

export const wire2026: Wire = {
  capabilities: {},
  declaration: (_server, context) => ({ capabilities: declaredInRequest(context), protocolVersion: '2026-07-28' }),
  serve: () => ({
    face: () => call2026,
    tool: (tool) => tool,
    look: (call, task, forMs) => followTask(call, task, { forMs, leaves: true, enough: isAsking }),
  }),
};
