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
  asks: { description: Calls it., model: scripted/asks.mjs, agents: [lent] }
serve: { expose: [asks] }
`,
    // One script thinks for both: the one that has tools calls the one that has none.
    'asks.mjs': `export default ({ messages, tools }) => {
  if (tools.length === 0) return 'lent thought of ' + messages.at(-1).content[0].text;
  const result = messages.at(-1).content.find(({ type }) => type === 'tool_result');
  return result ? 'Got: ' + result.content[0].text : { calls: [{ tool: 'lent', args: { message: 'inner' } }] };
};`,
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
  expect({ code, out }).toEqual({ code: 0, out: 'Got: lent thought of inner\n' });
});

test('doctor says who thinks with what', async () => {
  const { out } = await cli(where, ['doctor']);
  expect(out).toContain("lent: thinks with its caller's model");
  expect(out).toContain('flow: runs asks, flow2 in steps, without a model of its own');
});
