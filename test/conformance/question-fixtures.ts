/** What the referee expects of a server that asks its 2025 callers while it works. */
import type { JsonObject } from '../../src/json.ts';
import { textOf, type Content } from '../../src/task/content.ts';
import type { InputRequest, InputResponse } from '../../src/task/question.ts';
import type { Fixture } from './fixture.ts';

const textIn = (input: JsonObject, name: string): string => {
  const value = input[name];
  return typeof value === 'string' ? value : '';
};

const oneText = (name: string): JsonObject => ({
  type: 'object',
  properties: { [name]: { type: 'string' } },
  required: [name],
});

const form = (message: string, properties: JsonObject, required: string[] = []): InputRequest => ({
  kind: 'form',
  message,
  schema: { type: 'object', properties, required },
});

const asks = (message: string, properties: JsonObject): Fixture => ({
  needs: ['elicitation'],
  work: async ({ context }) =>
    `Elicitation completed: ${shown(await context.requestInput('user', form(message, properties)))}`,
});

const titled = (value: string, title: string): JsonObject[] =>
  [1, 2, 3].map((number) => ({ const: `${value}${number}`, title: `${title} ${number}` }));

const shown = (response: InputResponse): string =>
  `action=${response.action}, content=${JSON.stringify(response.action === 'accept' ? response.content : {})}`;

export const questionFixtures: Record<string, Fixture> = {
  test_elicitation: {
    schema: oneText('message'),
    needs: ['elicitation'],
    work: async ({ task, context }) => {
      const fields = {
        username: { type: 'string', description: "User's response" },
        email: { type: 'string', description: "User's email address" },
      };
      const request = form(textIn(task.input, 'message'), fields, ['username', 'email']);
      return `User response: ${shown(await context.requestInput('user', request))}`;
    },
  },
  test_elicitation_sep1034_defaults: asks('Do the defaults stand?', {
    name: { type: 'string', default: 'John Doe' },
    age: { type: 'integer', default: 30 },
    score: { type: 'number', default: 95.5 },
    status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
    verified: { type: 'boolean', default: true },
  }),
  test_elicitation_sep1330_enums: asks('What do you choose?', {
    untitledSingle: { type: 'string', enum: ['option1', 'option2', 'option3'] },
    titledSingle: { type: 'string', oneOf: titled('value', 'Option') },
    legacyEnum: { type: 'string', enum: ['opt1', 'opt2', 'opt3'], enumNames: ['One', 'Two', 'Three'] },
    untitledMulti: { type: 'array', items: { type: 'string', enum: ['option1', 'option2', 'option3'] } },
    titledMulti: { type: 'array', items: { anyOf: titled('value', 'Choice') } },
  }),
  test_sampling: {
    schema: oneText('prompt'),
    needs: ['sampling'],
    work: async ({ task, context }) => {
      const content = { type: 'text', text: textIn(task.input, 'prompt') };
      const params = { messages: [{ role: 'user', content }], maxTokens: 100 };
      const response = await context.requestInput('thought', { kind: 'sampling', params });
      const said = response.action === 'accept' ? [response.content['content']].flat() : [];
      return `LLM response: ${textOf(said as Content[])}`;
    },
  },
  test_reconnection: {
    isPolled: true,
    work: async () => {
      await new Promise((resolve) => setTimeout(resolve, 300));
      return 'The answer came on another connection.';
    },
  },
};
