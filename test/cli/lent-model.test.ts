/** Agents of `model: client` at the command line, which has no model to lend. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cli, type Folder, folder } from './run-cli.ts';

let where: Folder;
beforeAll(async () => {
  where = await folder({
    'agents.yaml': `version: 1
agents:
  lent: { description: Thinks with its caller's model., model: client }
  flow: { description: Runs it., steps: [asks, flow2] }
  flow2: { description: Runs it as well., steps: [{ parallel: [lent] }] }
  asks: { description: Calls it., model: scripted/asks.yaml, agents: [lent] }
serve: { expose: [asks] }
`,
    // One script thinks for both.
    'asks.yaml':
      'replies: [{ calls: [{ tool: lent, args: { message: inner } }] }, { text: "Got: \${last}" }, { text: "Again." }]',
  });
});
afterAll(() => where.remove());

test.each([
  [['run', 'lent', 'hi'], 'lent thinks'],
  [['run', 'flow', 'hi'], 'flow > flow2 > lent thinks'],
  [['chat', 'lent'], 'lent thinks'],
])('%j is exit 2, before anything is begun, with the mend', async (args, who) => {
  const { code, out, err } = await cli(where, args);
  expect({ code, out }).toEqual({ code: 2, out: '' });
  expect(err).toContain(`${who} with its caller's model (model: client), and this command has none to lend.`);
  expect(err).toContain('agents.lent.model');
  expect((await cli(where, ['tasks', 'list', '--json'])).out).toContain('"tasks": []');
});

test('an agent with a model lends it to those that it calls', async () => {
  const { code, out } = await cli(where, ['-q', 'run', 'asks', 'hi']);
  expect({ code, out }).toMatchObject({ code: 0, out: expect.stringMatching(/\S/) });
});

test('doctor says who thinks with what', async () => {
  const { out } = await cli(where, ['doctor']);
  expect(out).toContain("lent: thinks with its caller's model");
  expect(out).toContain('flow: runs asks, flow2 in steps, without a model of its own');
});
