/**
 * A server ends and parks many tasks a second. What V8 can collect of them young costs little; what only a full
 * collection finds costs a copy, a longer pause, and memory until then.
 */
import { expect, test } from 'vitest';
import { openSqliteStore } from '../../src/engine/sqlite/store.ts';
import { enginesOn, parked } from './engines.ts';
import { answer, request } from './tasks.ts';
import { ballast, leftBehind } from '../garbage.ts';

const { open, engineOn, ended } = enginesOn(() => openSqliteStore(':memory:'));
const size = 50_000;
const input = () => ({ message: ballast(size) });

test('a task that has ended leaves nothing that waits for a full garbage collection', async () => {
  const engine = engineOn(async (task, context) => {
    await context.branch('one', (branch) => branch.step('look', async () => task.input['message']));
    return answer('done');
  });
  const left = await leftBehind(100, async () => {
    const { id } = await engine.start({ ...request, input: input() });
    await ended(engine, id);
  });
  expect(left).toBeLessThan(size / 2);
});

test('nor does a task that is parked', async () => {
  const store = open();
  const engine = engineOn(
    async (_task, context) => {
      await context.requestInput('name', { kind: 'form', message: 'Who?', schema: { type: 'object', properties: {} } });
      return answer('done');
    },
    { store },
  );
  const left = await leftBehind(100, async () => {
    const { id } = await engine.start({ ...request, input: input() });
    await parked(store, id);
  });
  expect(left).toBeLessThan(size / 2);
});
