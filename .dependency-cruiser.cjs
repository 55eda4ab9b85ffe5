/** The floors of the house: imports only go down, adapters never meet, a vendor is named in one adapter only. */
const adapters = 'providers|mcp-client|mcp-server|engine|config|hooks|webhooks|telemetry';
const vendorIn = (name, packages, rooms) => ({
  name: `${name}-only-in-its-adapter`,
  severity: 'error',
  from: { path: '^src', pathNot: rooms },
  to: { path: `node_modules/(${packages})(/|$)` },
});

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'src-knows-no-tests', severity: 'error', from: { path: '^src' }, to: { path: '^(test|bench|examples)/' } },
    {
      name: 'ground-stands-alone',
      severity: 'error',
      from: { path: '^src/[^/]+\\.ts$', pathNot: '^src/(runtime|networks?|left-behind|open-store|index)\\.ts$' },
      to: { path: '^src/[^/]+/' },
    },
    {
      name: 'task-knows-only-ground',
      severity: 'error',
      from: { path: '^src/task/' },
      to: { path: '^src/', pathNot: '^src/(task/|errors\\.ts|json\\.ts)' },
    },
    {
      name: 'agent-knows-only-task-and-ground',
      severity: 'error',
      from: { path: '^src/agent/' },
      to: { path: '^src/', pathNot: '^src/(agent/|task/|errors\\.ts|hash\\.ts|json\\.ts|meta-keys\\.ts)' },
    },
    {
      name: 'core-imports-no-vendor-but-p-queue',
      severity: 'error',
      from: { path: '^src/(task|agent)/' },
      to: { dependencyTypes: ['npm', 'npm-dev', 'core'], pathNot: 'node_modules/p-queue' },
    },
    {
      name: 'adapters-never-meet',
      severity: 'error',
      from: { path: `^src/(${adapters})/` },
      to: {
        path: `^src/(${adapters}|cli)/|^src/(runtime|networks?|left-behind|open-store|index)\\.ts$`,
        pathNot: '^src/$1/',
      },
    },
    {
      name: 'wiring-knows-no-door',
      severity: 'error',
      from: { path: '^src/(runtime|networks?|left-behind|open-store)\\.ts$' },
      to: { path: '^src/(cli/|index\\.ts)' },
    },
    vendorIn('anthropic', '@anthropic-ai/sdk', '^src/providers/anthropic\\.ts$'),
    vendorIn('openai', 'openai', '^src/providers/openai'),
    vendorIn('mcp-client-sdk', '@modelcontextprotocol/client', '^src/mcp-client/'),
    vendorIn('mcp-server-sdk', '@modelcontextprotocol/(server|node)', '^src/mcp-server/'),
    vendorIn('jose', 'jose', '^src/mcp-server/auth'),
    vendorIn('yaml', 'yaml', '^src/(config|providers/scripted)'),
    vendorIn('cel', '@marcbachmann/cel-js', '^src/config/condition\\.ts$'),
    vendorIn('pg', 'pg', '^src/engine/postgres/'),
    vendorIn('diff', 'diff', '^src/mcp-client/'),
    vendorIn('commander', 'commander', '^src/cli/'),
    vendorIn('ajv', '(ajv|ajv-formats|re2js)', '^src/json-schema\\.ts$'),
    {
      // The peers' packages are installed apart, and only where somebody measures them.
      name: 'no-unresolvable',
      severity: 'error',
      from: { pathNot: '^bench/peers/' },
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
