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
# The MCP servers whose tools agents may use. Entries of a .mcp.json can be pasted in. Deputy pins what their tools are in
# deputy.lock, beside this file: keep it with the file.
# mcpServers:
#   files:
#     command: npx
#     args: ["-y", "@modelcontextprotocol/server-filesystem@2026.8.31", "."]
#     tools:
#       read_*: { effect: read }   # the rest waits for a person, unless \`permissions\` allow it
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
    # tools: [files/*]
    # permissions: { allow: [files/create_directory], ask: [files/write_file], deny: [files/move_file] }
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
  first: { agent: 'announcement', message: 'Announce our first release' },
  files: {
    'agents.yaml': `${head}
# Set ANTHROPIC_API_KEY or OPENAI_API_KEY and real models think. Without one, scripts answer.
models:
${thinker('writing', 'writer.yaml')}${thinker('checking', 'checker.yaml')}${thinker('reading', 'reader.yaml')}${thinker('editing', 'editor.yaml')}
# The MCP servers whose tools agents may use. Another Deputy is one as well: its agents are tools, what they ask comes up
# to you, and limits and rules of their callers hold there.
# mcpServers:
#   desk: { command: deputy, args: [serve, --stdio, --config, desk/agents.yaml], deputy: true }

# The instructions of agents are in agents/NAME.md.
agents:
  announcement: # composed, without a model of its own: each step gets the answers of the one before
    description: Has a text written, checked from two sides, and mended.
    steps: [writer, { parallel: [checker, reader] }, editor]
    limits: { tokens: 400k, time: 20m } # for all of them together
  writer:
    description: Writes one short text to order.
    model: writing
  checker:
    description: Reads a text and says what is wrong with it.
    model: checking
  reader:
    description: Reads a text as a newcomer and says what is unclear.
    model: reading
  editor:
    description: Mends a text by what others say of it.
    model: editing

# What callers see. Everything else is reached through it: deputy graph
serve:
  expose: [announcement]
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

Repeat the text that you are given as it is. Below it, list what is wrong or too long, most important first.
`,
    'agents/reader.md': `---
name: reader
description: Reads a text as a newcomer and says what is unclear.
---

You know nothing about the product. Say in one or two sentences what you did not understand.
`,
    'agents/editor.md': `---
name: editor
description: Mends a text by what others say of it.
---

You get a text and what others say of it. Hand over the mended text, and one sentence on what was changed.
`,
    'scripts/writer.yaml': `# What the writer says while no model has a key. The n-th reply is the n-th turn's.
replies:
  - text: "Draft: our first release is out."
`,
    'scripts/checker.yaml': `replies:
  - text: "Draft: our first release is out. (It is short. That is good.)"
`,
    'scripts/reader.yaml': `replies:
  - text: What is it a release of?
`,
    'scripts/editor.yaml': `replies:
  - text: |-
      A draft was written, checked from two sides and mended:
      Our first release is out: of a network of agents.
      We are scripts (scripts/*.yaml). Set ANTHROPIC_API_KEY or OPENAI_API_KEY, and models do the work.
`,
  },
};

const supervised: Template = {
  first: { agent: 'writer', message: 'Announce our first release' },
  files: {
    'agents.yaml': `${head}
# Set ANTHROPIC_API_KEY or OPENAI_API_KEY and real models think. Without one, scripts answer.
models:
${thinker('writing', 'writer.yaml')}${thinker('publishing', 'publisher.yaml')}${servers}
# Agents have each other as tools. Their instructions are in agents/NAME.md.
agents:
  writer:
    description: Writes a text, and has it published once a person agrees.
    model: writing
    tools: [ask_person] # it may put questions to you
    agents: [publisher]
    permissions:
      ask:
        - { tool: publisher, expires: 4h } # you see the text before it goes out; then it is too late
    limits: { turns: 20, cost: 1 USD, on_limit: ask }
  publisher:
    description: Publishes a text as it is.
    model: publishing

# For every agent, whatever its own rules allow.
permissions:
  deny: ["*/delete_*"]

# What callers see. Questions reach them, and you: deputy approvals list
serve:
  expose: [writer]
`,
    'agents/writer.md': `---
name: writer
description: Writes a text, and has it published once a person agrees.
---

You write what you are asked for, in plain words. Ask the person who the readers are where you cannot know it.
When the text is done, give it to the publisher. Where the person says no, do what they say instead.
`,
    'agents/publisher.md': `---
name: publisher
description: Publishes a text as it is.
---

You publish the text that you are given, word for word, and say where it is.
`,
    'scripts/writer.yaml': `# What the writer does while no model has a key. The n-th reply is the n-th turn's.
replies:
  - text: Before I write, one question.
    calls: [{ tool: ask_person, args: { question: "Who will read it?", options: [colleagues, customers] } }]
  - text: I have a text. It goes out when you approve.
    calls: [{ tool: publisher, args: { message: "For \${last}: \${user}." } }]
  - text: |-
      The publisher was called, and this came of it: \${last}
      We are scripts (scripts/*.yaml). Set ANTHROPIC_API_KEY or OPENAI_API_KEY, and models do the work.
`,
    'scripts/publisher.yaml': `replies:
  - text: "Published (not really, I am a script): \${user}"
`,
  },
};

export const templates = { single, supervised, network };
