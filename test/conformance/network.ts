/** What the conformance referee expects to find at a server, as a network of scripted agents on the real serving stack. */
import {
  acceptedContent,
  completable,
  inputRequired,
  ResourceTemplate,
  type McpServer,
} from '@modelcontextprotocol/server';
import * as z from 'zod/v4';
import { schemaCheck } from '../../src/json-schema.ts';
import type { JsonObject } from '../../src/json.ts';
import type { Era, ListKind, ServedAgent } from '../../src/mcp-server/options.ts';
import { text, type Content } from '../../src/task/content.ts';
import type { FakeAgent, FakeWork } from '../mcp-server/fake-engine.ts';
import type { Fixture } from './fixture.ts';
import { questionFixtures } from './question-fixtures.ts';
import { roundFixtures, taskFixtures } from './task-fixtures.ts';

const redPixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==';
const silence = 'UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA=';
const image: Content = { type: 'image', data: redPixel, mimeType: 'image/png' };
const noArguments: JsonObject = { type: 'object', properties: {} };

/** `changed` is the door's, which stands only after its agents do. */
function fixtures(changed: (kind: ListKind) => void): Record<string, Fixture> {
  const says = (...content: Content[]): Fixture => ({ work: async () => ({ content }) });
  return {
    ...roundFixtures,
    ...taskFixtures,
    ...questionFixtures,
    test_simple_text: says(text('This is a simple text response for testing.')),
    test_image_content: says(image),
    test_audio_content: says({ type: 'audio', data: silence, mimeType: 'audio/wav' }),
    test_embedded_resource: says({
      type: 'resource',
      uri: 'test://embedded-resource',
      mimeType: 'text/plain',
      text: 'This is an embedded resource content.',
    }),
    test_multiple_content_types: says(text('Multiple content types test:'), image, {
      type: 'resource',
      uri: 'test://mixed-content-resource',
      mimeType: 'application/json',
      text: '{"test":"data","value":123}',
    }),
    test_tool_with_logging: { work: threeSteps },
    test_tool_with_progress: { work: threeSteps },
    test_error_handling: {
      work: async () => ({ content: [text('This tool intentionally returns an error for testing')], isError: true }),
    },
    json_schema_2020_12_tool: {
      schema: everyKeyword,
      work: async ({ task }) => `JSON Schema 2020-12 tool called with: ${JSON.stringify(task.input)}`,
    },
    test_x_mcp_header: {
      schema: {
        type: 'object',
        properties: { region: { type: 'string', 'x-mcp-header': 'Region' }, level: { type: 'integer' } },
      },
      work: async ({ task }) => `region=${JSON.stringify(task.input['region'] ?? null)}`,
    },
    test_missing_capability: { needs: ['sampling'], work: async () => 'The caller can sample.' },
    test_streaming_elicitation: says(text('Result frames only, no requests of our own.')),
    test_logging_tool: { work: threeSteps },
    test_trigger_tool_change: { work: async () => (changed('tools'), 'announced') },
    test_trigger_prompt_change: { work: async () => (changed('prompts'), 'announced') },
  };
}

/** Three turns, far enough apart to be told one by one. */
async function threeSteps({ emit }: FakeWork): Promise<string> {
  for (const turn of [1, 2, 3]) {
    emit({ type: 'turn_start', agent: 'fixture', turn });
    await new Promise((resolve) => setTimeout(resolve, 120));
  }
  return 'done in three steps';
}

const everyKeyword: JsonObject = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  $defs: {
    address: {
      $anchor: 'addressDef',
      type: 'object',
      properties: { street: { type: 'string' }, city: { type: 'string' } },
    },
  },
  properties: {
    name: { type: 'string' },
    address: { $ref: '#/$defs/address' },
    contactMethod: { type: 'string', enum: ['phone', 'email'] },
    phone: { type: 'string' },
    email: { type: 'string' },
  },
  allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
  if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
  // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
  then: { required: ['phone'] },
  else: { required: ['email'] },
  additionalProperties: false,
};

function servedFixture(name: string, fixture: Fixture): ServedAgent {
  const { schema = noArguments } = fixture;
  const { work: _work, schema: _schema, ...more } = fixture;
  const description = `Fixture of the conformance suite: ${name}`;
  return { name, description, input: { schema, check: schemaCheck(schema) }, ...more };
}

export interface FixtureNetwork {
  agents: ServedAgent[];
  work: Record<string, FakeAgent>;
  extend: (server: McpServer, era: Era) => void;
}

export function fixtureNetwork(changed: (kind: ListKind) => void): FixtureNetwork {
  const all = fixtures(changed);
  return {
    agents: Object.entries(all).map(([name, fixture]) => servedFixture(name, fixture)),
    work: Object.fromEntries(Object.entries(all).map(([name, { work }]) => [name, work])),
    extend(server, era) {
      addResources(server, era);
      addPrompts(server);
    },
  };
}

function addResources(server: McpServer, era: Era): void {
  const plain = { mimeType: 'text/plain' };
  server.registerResource('static-text', 'test://static-text', plain, async ({ href: uri }) => ({
    contents: [{ uri, ...plain, text: 'This is the content of the static text resource.' }],
  }));
  server.registerResource(
    'static-binary',
    'test://static-binary',
    { mimeType: 'image/png' },
    async ({ href: uri }) => ({
      contents: [{ uri, mimeType: 'image/png', blob: redPixel }],
    }),
  );
  server.registerResource('watched-resource', 'test://watched-resource', plain, async ({ href: uri }) => ({
    contents: [{ uri, ...plain, text: 'Watched resource content' }],
  }));
  const template = new ResourceTemplate('test://template/{id}/data', { list: undefined });
  server.registerResource('template', template, { mimeType: 'application/json' }, async ({ href: uri }, { id }) => ({
    contents: [
      {
        uri,
        mimeType: 'application/json',
        text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${String(id)}` }),
      },
    ],
  }));
  if (era === '2026') return;
  server.server.registerCapabilities({ resources: { subscribe: true } });
  server.server.setRequestHandler('resources/subscribe', () => ({}));
  server.server.setRequestHandler('resources/unsubscribe', () => ({}));
}

function addPrompts(server: McpServer): void {
  const user = (content: PromptContent) => ({ role: 'user' as const, content });
  server.registerPrompt('test_simple_prompt', { description: 'No arguments' }, async () => ({
    messages: [user({ type: 'text', text: 'This is a simple prompt for testing.' })],
  }));
  const argsSchema = z.object({ arg1: completable(z.string(), () => ['one', 'two']), arg2: z.string() });
  server.registerPrompt(
    'test_prompt_with_arguments',
    { description: 'Two arguments', argsSchema },
    async ({ arg1, arg2 }) => ({
      messages: [user({ type: 'text', text: `Prompt with arguments: arg1='${arg1}', arg2='${arg2}'` })],
    }),
  );
  const embedded = { description: 'A resource', argsSchema: z.object({ resourceUri: z.string() }) };
  server.registerPrompt('test_prompt_with_embedded_resource', embedded, async ({ resourceUri: uri }) => ({
    messages: [
      user({
        type: 'resource',
        resource: { uri, mimeType: 'text/plain', text: 'Embedded resource content for testing.' },
      }),
      user({ type: 'text', text: 'Please process the embedded resource above.' }),
    ],
  }));
  server.registerPrompt('test_input_required_result_prompt', { description: 'Asks first' }, async ({ mcpReq }) => {
    const given = acceptedContent<{ context: string }>(mcpReq.inputResponses, 'user_context');
    if (given !== undefined) {
      return { messages: [user({ type: 'text', text: `In the context of ${given.context}` })] };
    }
    const message = 'What context should the prompt use?';
    const user_context = inputRequired.elicit({ message, requestedSchema: contextForm });
    return inputRequired({ inputRequests: { user_context } });
  });
  server.registerPrompt('test_prompt_with_image', { description: 'An image' }, async () => ({
    messages: [
      user({ type: 'image', data: redPixel, mimeType: 'image/png' }),
      user({ type: 'text', text: 'Please analyze the image above.' }),
    ],
  }));
}

const contextForm = {
  type: 'object' as const,
  properties: { context: { type: 'string' as const } },
  required: ['context'],
};

type PromptContent =
  | { type: 'text'; text: string }
  | { type: 'image'; data: string; mimeType: string }
  | { type: 'resource'; resource: { uri: string; mimeType: string; text: string } };
