import { defineConfig } from 'vitest/config';

/** Milliseconds. No claim about time, only the end of a wait for what never comes: CI's machines may be ten times slower. */
const patience = 240_000;

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/engine/postgres-server.ts'],
    testTimeout: patience,
    hookTimeout: patience,
    teardownTimeout: patience,
    expect: { poll: { timeout: patience / 2, interval: 20 } },
    pool: 'forks',
    maxWorkers: 2,
  },
});
