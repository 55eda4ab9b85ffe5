import { expect, test } from 'vitest';
import { clientName, viaMcp } from '../../src/mcp-server/via.ts';

test.each([
  [{ name: 'claude-code', version: '2.1.330' }, 'claude-code 2.1.330'],
  [{ name: 'nameless' }, 'nameless'],
  [{ name: 'two\nlines\u202e', version: 7 }, 'two lines'],
  [{ name: 'x'.repeat(500), version: '1' }, 'x'.repeat(100)],
  [{ name: ' ', version: '' }, undefined],
  [{ version: '1' }, undefined],
  ['claude-code', undefined],
  [undefined, undefined],
])('what a client calls itself is told in one short line: %j', (info, name) => {
  expect(clientName(info)).toBe(name);
});

test('a client without a name is not made up', () => {
  expect(viaMcp('tasks/update', undefined)).toEqual({ channel: 'mcp tasks/update' });
});
