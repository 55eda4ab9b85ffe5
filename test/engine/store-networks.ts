/** What every store promises of tasks that other Deputies called, and of those that ended tasks left open there. */
import { expect, test } from 'vitest';
import type { Store, Write } from '../../src/engine/store.ts';
import type { Mandate } from '../../src/task/mandate.ts';
import { accepted, asked, begun, by, ended, openWith, run, waiting } from './store-values.ts';

export const mandate: Mandate = {
  chain: [{ agent: 'root', deputy: 'there' }, { agent: 'näher \u0000 "quoted"' }],
  depth: 2,
  agents: 9,
  tokens: 1_000,
  cost: 0.25,
  deny: ['*/delete*'],
  ask: [],
};
export const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const tool = 'lab/triage';

const called = (key: string, more: object = {}): Write => ({
  kind: 'intent',
  ...run,
  at: 2_000,
  key,
  bytes: '{}',
  effect: 'keyed',
  grant: { tool, rule: 'agents.yaml:3' },
  ...more,
});
const becameTask = (key: string, reference: string, more: object = {}): Write => ({
  kind: 'reference',
  ...run,
  at: 2_000,
  key,
  reference,
  ...more,
});
const recorded = (key: string): Write => ({ kind: 'step', ...run, at: 2_100, key, value: '1' });
const left = (key: string, reference: string, task = 't') => ({ task, key, tool, reference });

export function networkStoreContract(open: () => Store): void {
  test('what a caller left to a task comes back with it, byte for byte; who left nothing has nothing', async () => {
    const store = await openWith(open, begun('t', { mandate, trace }), begun('u', { trace }), waiting('v'));
    expect(await store.task('t')).toMatchObject({ mandate, trace });
    expect((await store.load('t'))?.task).toEqual(await store.task('t'));
    const tasks = await store.tasks({ owner: 'ann' });
    expect(tasks.map((task) => [task.id, task.mandate, task.trace])).toEqual([
      ['v', undefined, undefined],
      ['u', undefined, trace],
      ['t', mandate, trace],
    ]);
    expect(Object.keys(tasks[0] ?? {})).not.toContain('mandate');
    await store.close();
  });

  test('the called are the open tasks with a mandate, at work, parked or waiting', async () => {
    const store = await openWith(
      open,
      begun('t', { mandate }),
      begun('asks', { mandate, owner: 'bob' }),
      waiting('waits', { mandate }),
      begun('completed', { mandate }),
      begun('cancelled', { mandate }),
      begun('traced', { trace }),
      begun('plain'),
    );
    const ids = async (): Promise<string[]> => (await store.called()).map(({ id }) => id).toSorted();
    await store.write([
      asked('q', 2_000, {}, { id: 'asks', fence: 1 }),
      { kind: 'park', id: 'asks', fence: 1, at: 2_000, open: 1 },
      ended('completed', 2_000),
    ]);
    await store.cancel('cancelled', by, 2_000);
    expect(await ids()).toEqual(['asks', 't', 'waits']);
    expect(await store.called()).toContainEqual({ id: 'asks', owner: 'bob' });
    await store.answer('asks', 'q', accepted(3_000));
    expect(await ids()).toEqual(['asks', 't', 'waits']);
    await store.write([ended('t', 4_000)]);
    await store.cancel('waits', by, 4_000);
    expect(await ids()).toEqual(['asks']);
    await store.close();
  });

  test('when the caller of a called task was heard of is kept, the latest time of all processes', async () => {
    const store = await openWith(open, begun('t', { mandate }), begun('asks', { mandate }), begun('plain'));
    const heard = async () => new Map((await store.called()).map(({ id, heardAt }) => [id, heardAt]));
    expect(await heard()).toEqual(
      new Map([
        ['t', undefined],
        ['asks', undefined],
      ]),
    );
    await store.heard(['t', 'plain', 'nobody'], 5_000);
    await store.heard(['t', 'asks'], 4_000);
    expect(await heard()).toEqual(
      new Map([
        ['t', 5_000],
        ['asks', 4_000],
      ]),
    );
    expect((await store.task('t'))?.updatedAt).toBeLessThan(4_000);
    await store.close();
  });

  test.each<[string, (store: Store) => Promise<unknown>]>([
    ['completed', (store) => store.write([ended('t', 3_000)])],
    ['failed', (store) => store.write([{ kind: 'end', ...run, at: 3_000, status: 'failed', outcome: '{"error":{}}' }])],
    ['cancelled at work', (store) => store.cancel('t', by, 3_000)],
    [
      'cancelled while parked',
      async (store) => {
        await store.write([asked('q', 2_500), { kind: 'park', ...run, at: 2_500, open: 1 }]);
        await store.cancel('t', by, 3_000);
      },
    ],
    [
      'set aside after its process died',
      async (store) => {
        // Nothing new since its claim: then it is to blame.
        await store.leave('i');
        await store.claim('j', { fresh: 9, woken: 9 }, 9);
        await store.bury('j', { withinMs: 1_000, most: 1 }, 3_000);
      },
    ],
  ])('a task that was %s leaves behind what it called and saw no end of', async (_, end) => {
    const store = await openWith(
      open,
      begun('t', { definition: 'd1' }),
      called('ended'),
      becameTask('ended', 'r0'),
      recorded('ended'),
      called('open'),
      becameTask('open', 'r1'),
      called('branch/open'),
      becameTask('branch/open', 'r2'),
      called('no task of it'),
      called('no tool', { grant: undefined }),
      becameTask('no tool', 'r3'),
      called('made again'),
      becameTask('made again', 'r4'),
      called('made again'),
    );
    expect(await store.leftBehind()).toEqual([]);
    await end(store);
    const both = [left('open', 'r1'), left('branch/open', 'r2')].map((one) => ({ ...one, definition: 'd1' }));
    expect((await store.task('t'))?.status).toMatch(/completed|failed|cancelled/);
    expect(await store.leftBehind()).toEqual(both);
    await store.close();
  });

  test('what is let go is not told again; what else there is stays, and goes with its task', async () => {
    const of = { id: 'u', fence: 1 };
    const store = await openWith(
      open,
      begun('t'),
      begun('u', { ttlMs: 5_000 }),
      called('call'),
      becameTask('call', 'r1'),
      called('call 2'),
      becameTask('call 2', 'r2'),
      called('call', of),
      becameTask('call', 'r1', of),
    );
    for (const id of ['t', 'u']) await store.cancel(id, by, 3_000);
    await store.letGo(left('call', 'r1'));
    expect(await store.leftBehind()).toEqual([left('call 2', 'r2'), left('call', 'r1', 'u')]);
    await store.letGo(left('call', 'r1'));
    await store.letGo(left('call', 'none', 'no such task'));
    expect(await store.cancel('t', by, 4_000)).toBe(false);
    expect(await store.leftBehind()).toEqual([left('call 2', 'r2'), left('call', 'r1', 'u')]);
    await store.prune(6_000, 9);
    expect(await store.leftBehind()).toEqual([left('call 2', 'r2')]);
    await store.close();
  });
}
