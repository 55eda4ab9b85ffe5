/** What every engine promises about what a task keeps beside its steps: messages, artifacts, notes, its definition. */
import { expect, test } from 'vitest';
import type { Store, Write } from '../../src/engine/store.ts';
import { NotFoundError, UsageError } from '../../src/errors.ts';
import type { AuditEntry } from '../../src/task/audit.ts';
import type { TaskHandler } from '../../src/task/engine.ts';
import { answer, byHand, request, textOf, via } from './tasks.ts';
import { type Engine, type Engines, parked } from './engines.ts';
import { accept, form, until, waitsFor } from './questions.ts';

type EndWrite = Extract<Write, { kind: 'end' }>;

const auditOf = async (engine: Engine): Promise<AuditEntry[]> => {
  const entries: AuditEntry[] = [];
  for await (const entry of engine.audit()) entries.push(entry);
  return entries;
};

export function messageContract({ open, engineOn, ended }: Engines): void {
  /** Asks, then says what was sent to it. */
  const listening: TaskHandler = async (_, context) => {
    await context.requestInput('colour', form);
    return answer(await context.step('read', async () => context.inbox.map(({ text }) => text).join()));
  };

  test('what a person sends is stored, and the running task has it at once, in the order of the sending', async () => {
    const hands = byHand();
    const engine = engineOn(hands.handler);
    const task = await engine.start(request);
    const { context, result } = await hands.of(task);
    expect(context.inbox).toEqual([]);
    for (const text of ['not that', 'this'])
      await engine.send(task.id, 'ann', text, { channel: 'cli', client: 'deputy' });
    expect(context.inbox.map(({ seq, text }) => [seq, text])).toEqual([
      [1, 'not that'],
      [2, 'this'],
    ]);
    expect((await engine.record(task.id, 'ann')).sent).toEqual(context.inbox);
    expect(context.inbox[0]?.by).toEqual({ owner: 'ann', channel: 'cli', client: 'deputy' });
    await expect(engine.send(task.id, 'bob', 'x', via)).rejects.toBeInstanceOf(NotFoundError);
    result.resolve(answer('x'));
    await ended(engine, task.id);
    await expect(engine.send(task.id, 'ann', 'late', via)).rejects.toBeInstanceOf(UsageError);
    expect((await engine.record(task.id, 'ann')).sent).toHaveLength(2);
  });

  test('what is sent to a parked task leaves it parked, and is there when it goes on', async () => {
    const store = open();
    const engine = engineOn(listening, { store });
    const { id } = await until(engine, (await engine.start(request)).id, waitsFor(1));
    await parked(store, id);
    expect((await engine.send(id, 'ann', 'a', via)).status).toBe('input_required');
    await engine.send(id, 'ann', 'b', via);
    await engine.respond(id, 'ann', { colour: accept('red') }, via);
    expect(textOf(await ended(engine, id))).toBe('a,b');
  });

  /** Takes turns as an agent does: each hears what was sent, and there is one more while something is unheard. */
  const turns: TaskHandler = async (_, context) => {
    const heard: string[] = [];
    for (let turn = 1; turn === 1 || heard.length < context.inbox.length; turn += 1)
      heard.push(
        ...(await context.step(`turn ${turn}`, async () => context.inbox.slice(heard.length).map(({ text }) => text))),
      );
    return answer(heard.join());
  };
  /** Does something right before or after the first end of a task is written. */
  const atFirstEnd = (store: Store, place: 'before' | 'after', act: (end: EndWrite) => Promise<unknown>): Store => {
    let isFirst = true;
    return {
      ...store,
      async write(writes) {
        const end = writes.find((write) => write.kind === 'end');
        if (end === undefined || !isFirst) return store.write(writes);
        isFirst = false;
        if (place === 'before') await act(end);
        const early = await store.write(writes);
        if (place === 'after') await act(end);
        return early;
      },
    };
  };

  test('a message that comes after the last look at the inbox, and before the end is stored, is heard', async () => {
    let send = (id: string): Promise<unknown> => Promise.reject(new Error(`nobody sends to ${id}`));
    const engine = engineOn(turns, { store: atFirstEnd(open(), 'before', ({ id }) => send(id)) });
    send = (id) => engine.send(id, 'ann', 'wait', via);
    const { id } = await engine.start(request);
    expect(textOf(await ended(engine, id))).toBe('wait');
    expect((await engine.journal(id, 'ann')).map(({ key }) => key)).toEqual(['turn 1', 'turn 2']);
    expect((await auditOf(engine)).map(({ action }) => action)).toEqual(['started', 'sent', 'ended']);
  });

  test.each(['all', 'own'] as const)(
    'code that looks at no message is asked once more, and then has its end (%s)',
    async (adopts) => {
      let [begun, send] = [0, (id: string): Promise<unknown> => Promise.reject(new Error(id))];
      const deaf: TaskHandler = async () => answer(String((begun += 1)));
      const engine = engineOn(deaf, { adopts, store: atFirstEnd(open(), 'before', ({ id }) => send(id)) });
      send = (id) => engine.send(id, 'ann', 'wait', via);
      expect(textOf(await ended(engine, (await engine.start(request)).id))).toBe('2');
    },
  );

  test('who sends when the end was first is told that the task has ended', async () => {
    const said = Promise.withResolvers<unknown>();
    let send = (id: string): Promise<unknown> => Promise.reject(new Error(`nobody sends to ${id}`));
    const late = async ({ id }: EndWrite): Promise<void> => said.resolve(await send(id).catch((error) => error));
    const engine = engineOn(turns, { store: atFirstEnd(open(), 'after', late) });
    send = (id) => engine.send(id, 'ann', 'wait', via);
    const { id } = await engine.start(request);
    expect(textOf(await ended(engine, id))).toBe('');
    expect(await said.promise).toEqual(new UsageError(`The task ${id} has ended: nobody would read it.`));
    expect((await engine.record(id, 'ann')).sent).toEqual([]);
  });

  test('neither a failure nor a cancel is held up by a message', async () => {
    let send = (id: string): Promise<unknown> => Promise.reject(new Error(id));
    const fails: TaskHandler = async () => {
      throw new Error('a fault of ours');
    };
    const engine = engineOn(fails, { store: atFirstEnd(open(), 'before', ({ id }) => send(id)) });
    send = (id) => engine.send(id, 'ann', 'wait', via);
    expect((await ended(engine, (await engine.start(request)).id)).status).toBe('failed');
    const hanging = engineOn(byHand().handler);
    const { id } = await hanging.start(request);
    await hanging.send(id, 'ann', 'wait', via);
    expect((await hanging.cancel(id, 'ann', via)).status).toBe('cancelled');
  });

  test('what a step keeps is there for later steps and for the keeper, whole and in pieces', async () => {
    const long = 'line 🦊\n'.repeat(10_000);
    const engine = engineOn(async (_, context) => {
      const [id, again] = await context.branch('b', (branch) =>
        branch.step('call', async () => [await branch.keep('result', long), await branch.keep('result', long)]),
      );
      const piece = await context.step('page', () => context.kept(id ?? '', { offset: 9, length: 4 }));
      const none = await context.step(
        'none',
        async () => (await context.kept('nothing', { offset: 0, length: 1 })) ?? null,
      );
      return answer(JSON.stringify([id === again, piece, none, id]));
    });
    const task = await engine.start(request);
    const [isSame, piece, none, id] = JSON.parse(textOf(await ended(engine, task.id))) as unknown[];
    expect([isSame, piece, none]).toEqual([true, { text: long.slice(9, 13), total: long.length }, null]);
    expect(await engine.artifacts(task.id, 'ann')).toMatchObject([{ id, name: 'b/result', total: long.length }]);
    const all = { offset: 0, length: long.length };
    expect(await engine.artifact(task.id, 'ann', String(id), all)).toEqual({ text: long, total: long.length });
    await expect(engine.artifact(task.id, 'bob', String(id), all)).rejects.toBeInstanceOf(NotFoundError);
    await expect(engine.artifacts(task.id, 'bob')).rejects.toBeInstanceOf(NotFoundError);
  });

  test('a note is on the audit log once, with its step, however often its branch is repeated; the last go with the end', async () => {
    const store = open();
    const noting: TaskHandler = async (task, context) => {
      await context.branch('b', async (branch) => {
        branch.note({ action: 'denied', tool: 's/t', rule: 'agents.yaml:3' });
        await branch.step('verdict', async () => 'no');
        branch.note({ action: 'denied', detail: 'left over' });
      });
      await listening(task, context);
      context.note({ action: 'denied', detail: 'last' });
      return answer('x');
    };
    const engine = engineOn(noting, { store });
    const { id } = await until(engine, (await engine.start(request)).id, waitsFor(1));
    await parked(store, id);
    await engine.respond(id, 'ann', { colour: accept('red') }, via);
    await ended(engine, id);
    const denied = (await auditOf(engine)).filter(({ action }) => action === 'denied');
    expect(denied.map(({ step, detail }) => [step, detail])).toEqual([
      ['b/verdict', undefined],
      ['read', 'left over'],
      [undefined, 'last'],
    ]);
    expect(denied[0]).toMatchObject({ task: id, tool: 's/t', rule: 'agents.yaml:3' });
  });

  test('the audit log says who did what, in order, through pages, without a gap', async () => {
    const engine = engineOn(listening);
    const ids: string[] = [];
    for (let count = 0; count < 130; count += 1) ids.push((await engine.start(request)).id);
    const client = { channel: 'mcp', client: 'host' };
    const [first = ''] = ids;
    await engine.send(first, 'ann', 'hurry', client);
    await Promise.all(
      ids.map(async (id) => {
        await until(engine, id, waitsFor(1));
        await engine.respond(id, 'ann', { colour: accept('red') }, client);
        await ended(engine, id);
      }),
    );
    const entries = await auditOf(engine);
    expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, index) => index + 1));
    expect(entries.length).toBe(130 * 4 + 1);
    const life = entries.filter(({ task }) => task === first);
    expect(new Set(life.map(({ action }) => action))).toEqual(
      new Set(['started', 'sent', 'asked', 'answered', 'ended']),
    );
    expect(life.find(({ action }) => action === 'answered')?.by).toEqual({ owner: 'ann', ...client });
  });

  test('a task keeps to the definition that it began with; the next of its conversation takes the current one', async () => {
    let current = { hash: 'h1', text: 'be kind' };
    const engine = engineOn(listening, { definition: () => current });
    const { id } = await until(engine, (await engine.start(request)).id, waitsFor(1));
    current = { hash: 'h2', text: 'be brief' };
    await engine.respond(id, 'ann', { colour: accept('red') }, via);
    const first = await ended(engine, id);
    const second = await engine.start({ ...request, conversation: id });
    expect([first.definition, second.definition]).toEqual(['h1', 'h2']);
    expect(await Promise.all(['h1', 'h2', 'h3'].map((hash) => engine.definition(hash)))).toEqual([
      'be kind',
      'be brief',
      undefined,
    ]);
    await engine.cancel(second.id, 'ann', via);
  });

  test('a task that is forgotten is gone for its callers at once, and from the store when its journal is over', async () => {
    const store = open();
    const engine = engineOn(async () => answer('x'), { store, journalMs: 3_600_000 });
    const start = { ...request, ttlMs: 1, idempotencyKey: 'k' };
    const { id } = await engine.start(start);
    await ended(engine, id).catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 10));
    await expect(engine.get(id, 'ann')).rejects.toBeInstanceOf(NotFoundError);
    expect(await engine.prune()).toBe(0);
    expect((await store.task(id))?.status).toBe('completed');
    // Its key is free for another.
    const next = await engine.start({ ...start, input: { message: 'other' } });
    expect(next.id).not.toBe(id);
    expect(await store.prune(Date.now(), 10)).toBeGreaterThan(0);
    expect(await store.task(id)).toBeUndefined();
  });
}
