/** `npm run conformance:serve -- --port N`: the fixture network at /mcp, for any referee. */
import { parseArgs } from 'node:util';
import { createLog, silentLog, type Log } from '../../src/log.ts';
import { serveHttp, type HttpDoor } from '../../src/mcp-server/http.ts';
import { FakeEngine } from '../mcp-server/fake-engine.ts';
import { fixtureNetwork } from './network.ts';

export async function serveFixture(port: number, log: Log = silentLog): Promise<HttpDoor> {
  const network = fixtureNetwork((kind) => door.changed(kind));
  const door = await serveHttp({
    engine: new FakeEngine(network.work),
    agents: () => network.agents,
    extend: network.extend,
    name: 'deputy-conformance-fixture',
    version: '1.0.0',
    port,
    log,
  });
  return door;
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { port: { type: 'string', default: '3456' } } });
  const door = await serveFixture(Number(values.port), createLog('info'));
  process.stderr.write(`the fixture network is served at ${door.url}\n`);
  process.once('SIGTERM', () => void door.close(0));
  process.once('SIGINT', () => void door.close(0));
}
