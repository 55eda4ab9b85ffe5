import { existsSync, readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hands } from './hands.ts';
import { cli, type Folder, folder, type Running, start } from './run-cli.ts';

const files = {
  'agents.yaml': `version: 1
permissions: { allow: ['*/*'] }
mcpServers:
  hands: { command: node, args: [hands.mjs] }
agents:
  plain: { description: Answers., instructions: x, model: scripted/plain.yaml }
  payer: { description: Pays., instructions: x, model: scripted/payer.yaml, tools: [hands/*] }
serve: { http: { port: 0 } }
`,
  'plain.yaml': 'replies: ["You said: ${user}"]',
  'payer.yaml': 'replies: [{ calls: [{ tool: hands/pay, args: { to: "${user}" } }] }, { text: "Done: ${last}" }]',
  'hands.mjs': hands,
};

let where: Folder;
let running: Running[] = [];
beforeEach(async () => {
  where = await folder(files);
});
afterEach(async () => {
  for (const { child } of running) child.kill('SIGKILL');
  await Promise.all(running.map(({ done }) => done));
  running = [];
  await where.remove();
});

const begin = (args: string[]): Running => {
  const one = start(where, args);
  one.child.stdin.end();
  running.push(one);
  return one;
};
const effects = (): string[] => {
  const file = join(where.path, 'effects.txt');
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
};
const listed = async (...args: string[]) => {
  const { out } = await cli(where, ['tasks', 'list', '--json', ...args]);
  return (JSON.parse(out) as { tasks: { id: string; status: string; agent: string }[] }).tasks;
};

/** A `run` that is killed while its unsafe call is under way. @returns the id of its task. */
async function killedWhilePaying(): Promise<string> {
  const run = begin(['run', 'payer', 'hang']);
  await expect.poll(effects).toEqual(['hang']);
  run.child.kill('SIGKILL');
  await run.done;
  const [task] = await listed();
  expect(task).toMatchObject({ agent: 'payer', status: 'working' });
  return task?.id ?? '';
}

test('a store keeps tasks from one command to the next, for its owner alone', async () => {
  const { out } = await cli(where, ['-q', 'run', 'plain', 'hello', '--json']);
  const { task } = JSON.parse(out) as { task: string };
  expect(await listed()).toMatchObject([{ id: task, status: 'completed' }]);
  expect(await listed('--status', 'failed')).toEqual([]);
  const folderMode = (await stat(join(where.path, '.deputy'))).mode & 0o777;
  const fileMode = (await stat(join(where.path, '.deputy', 'deputy.db'))).mode & 0o777;
  expect([folderMode, fileMode].map((mode) => mode.toString(8))).toEqual(['700', '600']);
  expect(readFileSync(join(where.path, '.deputy', '.gitignore'), 'utf8')).toBe('*\n');

  const [mine, told, others, missing] = await Promise.all([
    cli(where, ['tasks', 'get', task]),
    cli(where, ['tasks', 'transcript', task]),
    cli(where, ['tasks', 'get', task], { env: { DEPUTY_OWNER: 'eve' } }),
    cli(where, ['tasks', 'get', 'nonsense']),
  ]);
  expect(mine).toMatchObject({ code: 0, err: '' });
  expect(mine.out).toContain('completed');
  expect(told.out).toContain('You said: hello');
  expect(others).toMatchObject({ code: 5, out: '', err: `There is no task ${task}.\n` });
  expect(missing).toMatchObject({ code: 5, out: '', err: 'There is no task nonsense.\n' });
});

describe('a run that was killed while an unsafe call was under way', () => {
  test('goes on with --resume: asks, exits 4, is answered from a shell, and never calls again', async () => {
    const id = await killedWhilePaying();
    const asked = await cli(where, ['run', '--resume', id]);
    expect(asked).toMatchObject({ code: 4, out: '' });
    expect(asked.err).toContain('nobody knows whether it happened');
    expect(asked.err).toContain('Arguments: {"to":"hang"}');
    expect(asked.err).toContain(`deputy tasks respond ${id} decision=stop|happened|run`);

    const wrong = await cli(where, ['tasks', 'respond', id, 'decision=perhaps']);
    expect(wrong).toMatchObject({ code: 2, out: '' });
    const right = await cli(where, [
      'tasks',
      'respond',
      id,
      '--json',
      '{"decision":"happened","result":"it was paid"}',
    ]);
    expect(right).toMatchObject({ code: 0, out: '' });
    expect(await cli(where, ['tasks', 'respond', id, 'decision=run'])).toMatchObject({ code: 2 });

    expect(await cli(where, ['-q', 'run', '--resume', id])).toMatchObject({ code: 0, out: 'Done: it was paid\n' });
    expect(await cli(where, ['-q', 'run', '--resume', id])).toMatchObject({ code: 0, out: 'Done: it was paid\n' });
    expect(effects()).toEqual(['hang']);

    const { out } = await cli(where, ['tasks', 'transcript', id, '--json']);
    const { entries } = JSON.parse(out) as { entries: { kind: string }[] };
    expect(entries.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['reply', 'question', 'result']));
    expect(out).toContain('"channel": "cli"');
    const exported = JSON.parse((await cli(where, ['tasks', 'export', id])).out) as Record<string, unknown>;
    expect(exported).toMatchObject({ type: 'task', task: { id, status: 'completed' } });
    expect(exported['questions']).toMatchObject([{ answer: { response: { content: { decision: 'happened' } } } }]);
  });

  test('goes on in the next serve, which hears an answer given elsewhere and runs it because a person said so', async () => {
    const id = await killedWhilePaying();
    const serve = begin(['serve']);
    await serve.saw('err', /Serving/);
    await expect.poll(() => listed('--status', 'input_required')).toHaveLength(1);
    const watching = begin(['tasks', 'watch', id]);
    await watching.saw('err', /nobody knows whether it happened/);
    expect(await cli(where, ['tasks', 'respond', id, 'decision=run'])).toMatchObject({ code: 0 });
    expect(await watching.done).toMatchObject({ code: 0 });
    expect(effects()).toEqual(['hang', 'hang']);
    serve.child.kill('SIGTERM');
    expect(await serve.done).toMatchObject({ code: 0 });
  });
});

test('a task that a server works on is watched and cancelled from another process', async () => {
  const run = begin(['run', 'payer', 'hang']);
  await expect.poll(effects).toEqual(['hang']);
  const [task] = await listed('--status', 'working');
  const watching = begin(['tasks', 'watch', task?.id ?? '', '--json']);
  await watching.saw('out', /"working"/);
  expect(await cli(where, ['tasks', 'cancel', task?.id ?? ''])).toMatchObject({ code: 0, err: 'Cancelled.\n' });
  const { out } = await watching.done;
  expect(out).toContain('"cancelled"');
  expect((await run.done).code).toBe(1);
  const again = await cli(where, ['tasks', 'cancel', task?.id ?? '']);
  expect(again.err).toBe('It had ended before: cancelled.\n');
});

test('what was started is forgotten when its time is over', async () => {
  await where.write({ 'agents.yaml': `${files['agents.yaml']}store: { keep: 1ms }\n` });
  await cli(where, ['-q', 'run', 'plain', 'hello']);
  const pruned = await cli(where, ['tasks', 'prune']);
  expect(pruned).toMatchObject({ code: 0, out: '' });
  expect(await listed()).toEqual([]);
});

test('a store in memory has nothing to look at, and says so', async () => {
  await where.write({ 'agents.yaml': `${files['agents.yaml']}store: { sqlite: ":memory:" }\n` });
  expect(await cli(where, ['-q', 'run', 'plain', 'hello'])).toMatchObject({ code: 0, out: 'You said: hello\n' });
  expect(await cli(where, ['tasks', 'list'])).toMatchObject({ code: 2, out: '' });
  expect(existsSync(join(where.path, '.deputy'))).toBe(false);
});
