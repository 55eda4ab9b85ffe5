/**
 * The wire up to 2025-11-25. To give it up, delete the files `*-2025.ts` of this folder, which nothing else imports, and
 * its line in `server.ts`.
 */
import { ProtocolError, ProtocolErrorCode, type ClientCapabilities } from '@modelcontextprotocol/server';
import { isJsonObject } from '../json.ts';
import { callForAnswer, callForTask } from './call-2025.ts';
import { followTask } from './follow-task.ts';
import { serveSubscriptions2025 } from './resources-2025.ts';
import { declaration2025, openSession, streamOf } from './session-2025.ts';
import { hasTasks, serveTasks } from './tasks-2025.ts';
import { errorResult } from './tool.ts';
import type { Wire } from './wire.ts';

const taskCapabilities = { tasks: { list: {}, cancel: {}, requests: { tools: { call: {} } } } };

export const wire2025: Wire = {
  capabilities: {},
  declaration: declaration2025,
  serve(server, options, caller) {
    server.declareFor(hasTasks, taskCapabilities);
    const session = openSession(server, options, caller);
    serveTasks(session);
    serveSubscriptions2025(server, options, caller);
    return {
      // A `task` parameter means nothing on versions that have no tasks ("Task Support and Handling").
      face({ protocolVersion }, { task }, { name, taskSupport }) {
        const wantsTask = isJsonObject(task) && hasTasks(protocolVersion);
        if (wantsTask && taskSupport === 'forbidden') throw noMethod(`${name} cannot be called as a task`);
        if (!wantsTask && taskSupport === 'required') throw noMethod(`${name} must be called as a task`);
        return wantsTask ? callForTask(session, task) : callForAnswer(session);
      },
      refusal({ name }, lacking, { task }) {
        const wanted = Object.keys(lacking).map((need) => (need === 'sampling' ? samplingNamed(lacking) : need));
        const message = `${name} needs a client that declares: ${wanted.join(', ')}`;
        // Who asks for a task understands no result that is none.
        if (task !== undefined) throw new ProtocolError(ProtocolErrorCode.InvalidParams, message);
        return errorResult(message);
      },
      tool: (tool, { protocolVersion }, { taskSupport = 'optional' }) =>
        hasTasks(protocolVersion) ? { ...tool, execution: { taskSupport } } : tool,
      async look(call, task, forMs) {
        const seat = session.dialogs.join(task, { route: streamOf(session, call.context), isPatient: true });
        try {
          return await followTask(call, task, { forMs, leaves: true, until: seat.stuck });
        } finally {
          seat.leave();
        }
      },
    };
  },
};

const samplingNamed = ({ sampling }: ClientCapabilities): string =>
  sampling?.tools === undefined ? 'sampling' : 'sampling with tools (sampling.tools)';

/** "Tool-Level Negotiation". */
const noMethod = (message: string): ProtocolError => new ProtocolError(ProtocolErrorCode.MethodNotFound, message);
