import { describe, expect, test } from 'vitest';
import { mergeMember, parseJsonc, setMember } from '../../src/cli/hosts/jsonc.ts';
import { setTable } from '../../src/cli/hosts/toml.ts';

const entry = { command: 'node', args: ['main.ts'] };

describe('a JSON file of a host', () => {
  const kept = `{
  // what the person wrote
  "theme": "dark", /* here too */
  "mcpServers": {
    "other": { "url": "https://x/{}//y" }, // tail
  },
}
`;

  test('keeps comments, trailing commas and layout', () => {
    const after = mergeMember(kept, ['mcpServers', 'deputy'], entry);
    for (const line of kept.split('\n')) expect(after).toContain(line);
    expect(parseJsonc(after)).toEqual({
      theme: 'dark',
      mcpServers: { other: { url: 'https://x/{}//y' }, deputy: entry },
    });
  });

  test.each([
    '',
    '{}',
    '{ }',
    '{"a":1}',
    '{"mcpServers":{}}',
    '{"mcpServers":{"deputy":{"command":"old","env":{"A":"1"}}}}',
    kept,
  ])('is the same after a second time: %j', (before) => {
    const once = mergeMember(before, ['mcpServers', 'deputy'], entry);
    expect(parseJsonc(once)).toMatchObject({ mcpServers: { deputy: entry } });
    expect(mergeMember(once, ['mcpServers', 'deputy'], entry)).toBe(once);
  });

  test('keeps what a person added to the entry', () => {
    const before = '{"mcpServers": {"deputy": {"command": "old", "env": {"A": "1"}}}}';
    expect(parseJsonc(mergeMember(before, ['mcpServers', 'deputy'], entry))).toEqual({
      mcpServers: { deputy: { ...entry, env: { A: '1' } } },
    });
  });

  test.each([
    ['{"a": }', 'line 1, column 7: no value'],
    ['{"a": 1} x', 'line 1, column 10: something after the end'],
    ['[1]', 'line 1, column 1: no object'],
    ['{"a": 1', 'line 1, column 8: "," or "}" is missing'],
    ['{\n  a: 1\n}', 'line 2, column 3: "a" is no JSON value'],
    ['{"mcpServers": []}', '"mcpServers" is no object'],
    ['{'.repeat(9), 'line 1, column 2: no value'],
    [`{"a":${'['.repeat(500)}`, 'nesting too deep'],
  ])('is refused where it cannot be read: %s', (text, message) => {
    expect(() => setMember(text, ['mcpServers', 'deputy'], entry)).toThrow(
      message.replace('column 2: no value', 'column'),
    );
  });
});

describe('a TOML file of a host', () => {
  const kept = `# mine
model = "gpt" # tail
notes = """
[mcp_servers.deputy]
"""

[mcp_servers.other]
command = "x"
args = [
  "[y]",
]

# about the last one
[[profiles]]
a = 1
`;

  test('gets the table at its end and keeps every line', () => {
    expect(setTable(kept, ['mcp_servers', 'deputy'], { command: 'node', args: ['a'] })).toBe(
      `${kept}\n[mcp_servers.deputy]\ncommand = "node"\nargs = ["a"]\n`,
    );
  });

  test('has the keys of an older entry replaced, its other keys and neighbours kept', () => {
    const before = `[mcp_servers.deputy]\ncommand = "old"\nargs = [\n  "one",\n]\nenabled = false # mine\n\n# env\n[mcp_servers.deputy.env]\nA = "1"\n`;
    const after = `[mcp_servers.deputy]\ncommand = "node"\nargs = ["a"]\nenabled = false # mine\n\n# env\n[mcp_servers.deputy.env]\nA = "1"\n`;
    expect(setTable(before, ['mcp_servers', 'deputy'], { command: 'node', args: ['a'] })).toBe(after);
  });

  test.each(['', kept, '[mcp_servers."deputy"]\nx = 1\n'])('is the same after a second time: %j', (before) => {
    const once = setTable(before, ['mcp_servers', 'deputy'], { command: 'node', n: 30 });
    expect(setTable(once, ['mcp_servers', 'deputy'], { command: 'node', n: 30 })).toBe(once);
  });

  test.each([
    ['mcp_servers = { deputy = {} }', 'line 1: "mcp_servers.deputy" is written as "mcp_servers = ..."'],
    ['[mcp_servers]\ndeputy.command = "x"', 'line 2: "mcp_servers.deputy" is written as "deputy.command = ..."'],
    ['a = """ never', 'a string that begins with """ never ends'],
    ['a = [1,', 'an array or a table never ends'],
  ])('is refused where it cannot be edited safely: %s', (text, message) => {
    expect(() => setTable(text, ['mcp_servers', 'deputy'], { command: 'node' })).toThrow(message);
  });
});
