/** `deputy graph`: what calls what, over the files of several Deputies, as JSON and as Mermaid. */
import { describe, expect, test } from 'vitest';
import { type Folder, cli, folder } from './run-cli.ts';

const files = {
  'reply.yaml': 'replies: [{ text: ok }]\n',
  'agents.yaml': `version: 1
model: scripted/reply.yaml
models:
  careful: { model: scripted/reply.yaml, fallback: [openai-chat/local] }
mcpServers:
  files: { command: files-server }
  lab: { url: "https://lab.example/secret-path/mcp", deputy: true }
  bank: { command: deputy, args: [serve, --stdio, -c, bank.yaml], deputy: true }
agents:
  lead:
    description: Leads.
    model: careful
    tools: [files/read_*, files/write_file, lab/*, bank/pay*]
    agents: [notes]
    permissions:
      ask: [notes, { tool: bank/payer, when: "args.sum > 10" }]
      deny: ["*/drop_*"]
  notes: { description: Notes., model: client }
  release:
    description: Releases.
    steps: [lead, { parallel: [notes, lead] }, { map: notes, over: report.findings }]
  alone: { description: Alone. }
serve: { expose: [release] }
`,
  'bank.yaml': `version: 1
model: scripted/reply.yaml
agents:
  payer: { description: Pays., agents: [ledger] }
  ledger: { description: Writes. }
  hidden: { description: Hidden. }
serve: { expose: [payer, hidden] }
`,
};

const within = async <T>(given: Record<string, string>, use: (here: Folder) => Promise<T>): Promise<T> => {
  const here = await folder(given);
  try {
    return await use(here);
  } finally {
    await here.remove();
  }
};

describe('deputy graph', () => {
  test('--json is one object: Deputies with their agents and servers, and edges with globs, rules and steps', async () => {
    const { code, out } = await within(files, (here) =>
      cli(here, ['graph', '--json', '-q'], { env: { OPENAI_API_KEY: 'k' } }),
    );
    expect(code).toBe(0);
    const lead = 'agents.yaml#lead';
    const nothing = { ask: [], deny: [] };
    expect(JSON.parse(out)).toEqual({
      type: 'graph',
      deputies: [
        {
          file: 'agents.yaml',
          agents: [
            {
              id: lead,
              name: 'lead',
              description: 'Leads.',
              isExposed: false,
              models: ['scripted/reply.yaml', 'openai-chat/local'],
            },
            { id: 'agents.yaml#notes', name: 'notes', description: 'Notes.', isExposed: false, models: ['client'] },
            {
              id: 'agents.yaml#release',
              name: 'release',
              description: 'Releases.',
              isExposed: true,
              steps: [{ run: 'lead' }, { parallel: ['notes', 'lead'] }, { map: 'notes', over: 'report.findings' }],
            },
            {
              id: 'agents.yaml#alone',
              name: 'alone',
              description: 'Alone.',
              isExposed: false,
              models: ['scripted/reply.yaml'],
            },
          ],
          servers: [
            { id: 'agents.yaml#mcpServers.files', name: 'files', kind: 'stdio', at: 'files-server', isDeputy: false },
            { id: 'agents.yaml#mcpServers.lab', name: 'lab', kind: 'http', at: 'lab.example', isDeputy: true },
            {
              id: 'agents.yaml#mcpServers.bank',
              name: 'bank',
              kind: 'stdio',
              at: 'deputy',
              isDeputy: true,
              starts: 'bank.yaml',
            },
          ],
        },
        {
          file: 'bank.yaml',
          agents: [
            {
              id: 'bank.yaml#payer',
              name: 'payer',
              description: 'Pays.',
              isExposed: true,
              models: ['scripted/reply.yaml'],
            },
            {
              id: 'bank.yaml#ledger',
              name: 'ledger',
              description: 'Writes.',
              isExposed: false,
              models: ['scripted/reply.yaml'],
            },
          ],
          servers: [],
        },
      ],
      edges: [
        { from: lead, to: 'agents.yaml#notes', ask: ['notes'], deny: [] },
        {
          from: lead,
          to: 'bank.yaml#payer',
          server: 'bank',
          tools: ['bank/pay*'],
          ask: ['bank/payer when args.sum > 10'],
          deny: [],
        },
        {
          from: lead,
          to: 'agents.yaml#mcpServers.files',
          tools: ['files/read_*', 'files/write_file'],
          ask: [],
          deny: ['*/drop_*'],
        },
        { from: lead, to: 'agents.yaml#mcpServers.lab', tools: ['lab/*'], ask: [], deny: ['*/drop_*'] },
        { from: 'agents.yaml#release', to: lead, steps: [1, 2], ...nothing },
        { from: 'agents.yaml#release', to: 'agents.yaml#notes', steps: [2, 3], ...nothing },
        { from: 'bank.yaml#payer', to: 'bank.yaml#ledger', ...nothing },
      ],
    });
  });

  test('is a Mermaid flowchart, a box a file', async () => {
    const { code, out } = await within(files, (here) => cli(here, ['graph', '-q'], { env: { OPENAI_API_KEY: 'k' } }));
    expect(code).toBe(0);
    expect(`\n${out}`).toMatchInlineSnapshot(`
      "
      flowchart LR
        subgraph d0["agents.yaml"]
          n0(["lead<br/>scripted/reply.yaml or 1 more"])
          n1(["notes<br/>its caller's model"])
          n2[["release<br/>3 steps"]]:::exposed
          n3(["alone<br/>scripted/reply.yaml"])
          n4[("files<br/>files-server")]
          n5[["lab<br/>Deputy at lab.example"]]
        end
        subgraph d1["bank.yaml"]
          n6(["payer<br/>scripted/reply.yaml"]):::exposed
          n7(["ledger<br/>scripted/reply.yaml"])
        end
        n0 -->|"asks: notes"| n1
        n0 -->|"bank/pay#42;<br/>asks: bank/payer when args.sum #62; 10"| n6
        n0 -->|"files/read#95;#42;<br/>files/write_file<br/>denies: #42;/drop#95;#42;"| n4
        n0 -->|"lab/#42;<br/>denies: #42;/drop#95;#42;"| n5
        n2 -->|"step 1<br/>step 2, side by side"| n0
        n2 -->|"step 2, side by side<br/>step 3, for each of report.findings"| n1
        n6 --> n7
        classDef exposed stroke-width:3px
      "
    `);
  });

  test('of one agent holds only what it reaches', async () => {
    const { out } = await within(files, (here) =>
      cli(here, ['graph', 'lead', '--json', '-q'], { env: { OPENAI_API_KEY: 'k' } }),
    );
    const { deputies } = JSON.parse(out) as { deputies: { agents: { name: string }[]; servers: { name: string }[] }[] };
    expect(deputies.map(({ agents }) => agents.map(({ name }) => name))).toEqual([
      ['lead', 'notes'],
      ['payer', 'ledger'],
    ]);
    expect(deputies[0]?.servers.map(({ name }) => name)).toEqual(['files', 'lab', 'bank']);
    const unknown = await within(files, (here) =>
      cli(here, ['graph', 'leader', '-q'], { env: { OPENAI_API_KEY: 'k' } }),
    );
    expect(unknown).toMatchObject({ code: 5, out: '' });
    expect(unknown.err).toContain('There is no agent "leader"');
  });

  test('escapes what would be Mermaid or Markdown in names and globs, so that every line is one of the grammar', async () => {
    const { out } = await within(
      {
        'reply.yaml': '',
        'my "end"; #1 `x`.yaml': `version: 1
model: scripted/reply.yaml
mcpServers:
  end: { command: "/opt/a|b <i>x</i>/server;" }
agents:
  subgraph: { description: D, tools: ["end/{a,b}_*", "end/*_x"], permissions: { ask: [{ tool: "end/*", when: "args.a == '\\"]--> q' || true" }] } }
  end: { description: D, agents: [subgraph], steps: [subgraph] }
`.replace('agents: [subgraph], ', ''),
      },
      (here) => cli(here, ['graph', '-q', '-c', 'my "end"; #1 `x`.yaml']),
    );
    const text = String.raw`"(?:[\p{L}\p{N} ./:,=@+'(){}?_-]|#\d+;|<br\/>)*"`;
    const line = new RegExp(
      String.raw`^(?:flowchart LR|  subgraph d\d+\[${text}\]|    n\d+(?:\(\[${text}\]\)|\[\[${text}\]\]|\[\(${text}\)\])(?::::exposed)?|  end|  n\d+ -->(?:\|${text}\|)? n\d+|  classDef exposed stroke-width:3px)$`,
      'u',
    );
    const wrong = out
      .trimEnd()
      .split('\n')
      .filter((one) => !line.test(one));
    expect(wrong).toEqual([]);
    expect(out).toContain('end/{a,b}#95;#42;');
  });
});
