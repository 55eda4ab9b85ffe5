/** The fake network on this process's stdio: what clients of the tests start. Ends when its caller is gone. */
import { serveStdio } from '../../src/mcp-server/stdio.ts';
import { fakeNetwork } from './network.ts';

const door = await serveStdio(fakeNetwork().options);
await door.closed;
