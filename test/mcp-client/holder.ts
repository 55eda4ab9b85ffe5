/** Holds a server that does not listen to SIGTERM, says `ready`, and ends as its second argument says. */
import { silentLog } from '../../src/log.ts';
import { openServers } from '../../src/mcp-client/open-servers.ts';

const [notes = '', how = ''] = process.argv.slice(2);
const server = new URL('./hostile-server.ts', import.meta.url).pathname;
const servers = openServers(
  [
    {
      kind: 'stdio',
      name: 'bad',
      command: process.execPath,
      args: [server, 'ignores-sigterm', notes],
      env: {},
      cwd: '.',
      trustsAnnotations: false,
      tools: [],
    },
  ],
  { log: silentLog },
);
const tools = await servers.tools(['bad'], new AbortController().signal);
await tools[0]?.call(
  {},
  {
    signal: new AbortController().signal,
    owner: 'owner',
    callKey: 'call-key',
    grant: { tool: 'bad/act', rule: 'test' },
    ask: async () => ({ action: 'decline' }),
    sample: async () => {
      throw new Error('nobody thinks here');
    },
    commit: Object.assign(async () => {}, { reference: async () => {} }),
    onProgress: () => {},
  },
);
process.stdout.write('ready\n');
if (how === 'exit') process.exit(0);
if (how === 'throw') throw new Error('crash');
