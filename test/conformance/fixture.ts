import type { JsonObject } from '../../src/json.ts';
import type { ServedAgent } from '../../src/mcp-server/options.ts';
import type { FakeAgent } from '../mcp-server/fake-engine.ts';

/** A scripted agent that the referee expects under its name. */
export interface Fixture extends Pick<ServedAgent, 'needs' | 'taskSupport' | 'asksFirst' | 'isPolled'> {
  schema?: JsonObject;
  work: FakeAgent;
}
