/** A person at the command line, above two Deputies: what an agent below asks is answered here. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { hands } from './hands.ts';
import { cli, type Folder, folder, repository } from './run-cli.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const main = join(repository, 'src/cli/main.ts');
let where: Folder;
beforeEach(async () => {
  where = await folder({
    'agents.yaml': `version: 1
mcpServers:
  bank: { command: node, args: ["${main}", serve, --stdio, -c, bank/agents.yaml], deputy: true }
agents:
  lead: { description: Leads., model: scripted/lead.yaml, tools: [bank/*], permissions: { allow: [bank/*] } }
`,
    'lead.yaml':
      'replies: [{ calls: [{ tool: bank/payer, args: { message: "${user}" } }] }, { text: "Done: ${last}" }]',
    'bank/agents.yaml': `version: 1
mcpServers:
  hands: { command: node, args: [hands.mjs] }
agents:
  payer: { description: Pays., model: scripted/payer.yaml, tools: [hands/*] }
`,
    'bank/payer.yaml':
      'replies: [{ calls: [{ tool: hands/pay, args: { to: "${user}" } }] }, { text: "Payer says: ${last}" }]',
    'bank/hands.mjs': hands,
  });
});
afterEach(() => where.remove());

const paid = (): string[] => {
  const file = join(where.path, 'bank/effects.txt');
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
};

interface Listed {
  id: string;
  task: string;
  tool: string;
  chain: string[];
}

test('an approval of an agent below is listed, shown and decided here, and the call is made once', async () => {
  expect(await cli(where, ['validate'])).toMatchObject({ code: 0, err: '' });
  const run = await cli(where, ['run', 'lead', 'ann']);
  expect(run.code).toBe(4);
  expect(run.err).toMatch(/^lead > bank\/payer: /m);
  expect(run.err).toContain('? lead → bank/payer wants to call hands/pay (unsafe).');
  expect(paid()).toEqual([]);

  const { approvals } = JSON.parse((await cli(where, ['approvals', 'list', '--json'])).out) as { approvals: Listed[] };
  expect(approvals).toMatchObject([{ tool: 'hands/pay', chain: ['lead', 'bank/payer'] }]);
  const [{ id, task } = { id: '', task: '' }] = approvals;
  expect((await cli(where, ['approvals', 'show', id])).out).toContain('asked by   lead › bank/payer');
  expect(await cli(where, ['approvals', 'approve', id, '--note', 'go on'])).toMatchObject({ code: 0 });

  const resumed = await cli(where, ['run', '--resume', task]);
  expect(resumed.code).toBe(0);
  expect(resumed.out).toContain('Done: Payer says: paid ann');
  expect(paid()).toEqual(['ann']);
});

test('--approve deny denies what an agent below asks as well', async () => {
  const run = await cli(where, ['run', 'lead', 'bob', '--approve', 'deny']);
  expect(run.code).toBe(0);
  expect(run.out).toContain('Nobody is here to approve it');
  expect(paid()).toEqual([]);
});
