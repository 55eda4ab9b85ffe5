/** The wire of 2026-07-28: what a caller can do is declared with every request, and counts for that request only. */
import { MissingRequiredClientCapabilityError } from '@modelcontextprotocol/server';
import { askThenTask2026, call2026, look2026 } from './call-2026.ts';
import { clientInRequest, declaredInRequest } from './sdk-seams.ts';
import { tasksExtension } from './task-2026.ts';
import { declaresTasks, serveTasks2026, taskCall2026, tasksRequired } from './tasks-2026.ts';
import { clientName } from './via.ts';
import type { Wire } from './wire.ts';

export const wire2026: Wire = {
  capabilities: { extensions: { [tasksExtension]: {} } },
  declaration: (_server, context) => ({
    capabilities: declaredInRequest(context),
    protocolVersion: '2026-07-28',
    client: clientName(clientInRequest(context)),
  }),
  serve(server, options, caller) {
    serveTasks2026(server, options, caller);
    return {
      face({ capabilities }, _params, { taskSupport, asksFirst }) {
        if (!declaresTasks(capabilities)) {
          if (taskSupport === 'required') throw tasksRequired();
          return call2026;
        }
        if (taskSupport === 'forbidden') return call2026;
        return asksFirst === true ? askThenTask2026 : taskCall2026;
      },
      refusal(_agent, requiredCapabilities) {
        throw new MissingRequiredClientCapabilityError({ requiredCapabilities });
      },
      tool: (tool) => tool,
      look: look2026,
    };
  },
};
