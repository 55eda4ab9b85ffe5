/** The files that `deputy init` writes. Each template runs as it is: a script thinks until there is a key. */

interface Template {
  files: Record<string, string>;
  first: { agent: string; message: string };
}

const head = `# yaml-language-server: $schema=./agents.schema.json
version: 1
`;

/** Models are tried from left to right; those without a key are left out, with a warning. */
const thinker = (name: string, script: string) => `  ${name}:
    model: anthropic/claude-sonnet-5
    fallback: [openai/gpt-6-sol, scripted/scripts/${script}]
`;

const servers = `
# The MCP servers whose tools agents may use. Entries of a .mcp.json can be pasted in.
# mcpServers:
#   files:
#     command: npx
#     args: ["-y", "@modelcontextprotocol/server-filesystem@2026.8.31", "."]
#     tools:
#       read_*: { effect: read }
`;

const single: Template = {
  first: { agent: 'assistant', message: 'What can you do?' },
  files: {
    'agents.yaml': `${head}
# Set ANTHROPIC_API_KEY or OPENAI_API_KEY and a real model thinks. Without one, a script answers.
models:
${thinker('thinker', 'assistant.yaml')}${servers}
# An agent is a tool of this network's MCP server. Its instructions are in agents/NAME.md.
agents:
  assistant:
    description: Answers questions and helps with texts.
    model: thinker
    # tools: [files/read_*]
    limits: { turns: 20, time: 10m }
`,
    'agents/assistant.md': `---
name: assistant
description: Answers questions and helps with texts.
---

You help the caller with one question or one text at a time.

- Answer first, then explain. Be short.
- Say so where you do not know.
`,
    'scripts/assistant.yaml': `# What the assistant says while no model has a key. The n-th reply is the n-th turn's.
replies:
  - text: |-
      You said: "\${user}"
      I am a script (scripts/assistant.yaml). Set ANTHROPIC_API_KEY or OPENAI_API_KEY, and a model answers instead.
`,
  },
};

const network: Template = {
  first: { agent: 'lead', message: 'Announce our first release' },
  files: {
    'agents.yaml': `${head}
# Set ANTHROPIC_API_KEY or OPENAI_API_KEY and real models think. Without one, scripts answer.
models:
${thinker('leading', 'lead.yaml')}${thinker('writing', 'writer.yaml')}${thinker('checking', 'checker.yaml')}${servers}
# Agents have each other as tools. Their instructions are in agents/NAME.md.
agents:
  lead:
    description: Has a text written and checked, and hands it over.
    model: leading
    agents: [writer, checker]
    limits: { turns: 20, time: 20m }
  writer:
    description: Writes one short text to order.
    model: writing
  checker:
    description: Reads a text and says what is wrong with it.
    model: checking

# What callers see. Everything else is reached through it.
serve:
  expose: [lead]
`,
    'agents/lead.md': `---
name: lead
description: Has a text written and checked, and hands it over.
---

You turn a wish into a finished text. Ask the writer for a draft, let the checker read it, and have the writer mend what
the checker found. Hand over the last version and one sentence on what was changed.
`,
    'agents/writer.md': `---
name: writer
description: Writes one short text to order.
---

You write what you are asked for, in plain words, and nothing around it.
`,
    'agents/checker.md': `---
name: checker
description: Reads a text and says what is wrong with it.
---

You read a text as its reader would. List what is wrong, unclear or too long, most important first. Do not rewrite it.
`,
    'scripts/lead.yaml': `# What the lead does while no model has a key. The n-th reply is the n-th turn's.
replies:
  - text: I will have a draft written.
    calls: [{ tool: writer, args: { message: "\${user}" } }]
  - calls: [{ tool: checker, args: { message: "\${last}" } }]
  - text: |-
      A draft was written and checked. The checker says: \${last}
      We are scripts (scripts/*.yaml). Set ANTHROPIC_API_KEY or OPENAI_API_KEY, and models do the work.
`,
    'scripts/writer.yaml': `replies:
  - text: "Draft: \${user}."
`,
    'scripts/checker.yaml': `replies:
  - text: It is short. That is good.
`,
  },
};

export const templates = { single, network };
