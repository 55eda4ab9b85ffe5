/** A question on the wire: what each caller can be sent, and what counts as an answer. */
import type { ClientCapabilities } from '@modelcontextprotocol/server';
import { describe, expect, test } from 'vitest';
import { askableOf, canAsk, inputResponse, wireRequest } from '../../src/mcp-server/wire-question.ts';
import type { InputRequest } from '../../src/task/question.ts';

const task = { agent: 'clerk' };
const form: InputRequest = {
  kind: 'form',
  message: 'Which?',
  schema: {
    type: 'object',
    properties: {
      city: {
        type: 'string',
        title: 'City',
        oneOf: [
          { const: 'BE', title: 'Bern' },
          { const: 'GE', title: 'Geneva' },
        ],
        default: 'BE',
      },
      sure: { type: 'boolean', default: true },
    },
    required: ['city'],
  },
};
const several: InputRequest = {
  kind: 'form',
  message: 'Which?',
  schema: { type: 'object', properties: { cities: { type: 'array', items: { type: 'string', enum: ['BE', 'GE'] } } } },
};
const url: InputRequest = { kind: 'url', message: 'Open this.', url: 'https://example.org', elicitationId: 'e-1' };
const thought: InputRequest = { kind: 'sampling', params: { messages: [], maxTokens: 10 } };
const thoughtWithTools: InputRequest = { kind: 'sampling', params: { messages: [], maxTokens: 10, tools: [] } };
const folders: InputRequest = { kind: 'roots' };

describe('what a caller can be asked [ASK-DECLARED]', () => {
  const all: [string, InputRequest][] = [
    ['form', form],
    ['several', several],
    ['url', url],
    ['thought', thought],
    ['thought with tools', thoughtWithTools],
    ['folders', folders],
  ];
  const asked = (declared: ClientCapabilities | undefined, version: string): string[] =>
    all.filter(([, request]) => canAsk(askableOf(declared, version), request)).map(([name]) => name);

  test.each<[string, ClientCapabilities | undefined, string, string[]]>([
    ['nothing declared', undefined, '2026-07-28', []],
    ['an empty object', {}, '2026-07-28', []],
    ['elicitation, which means forms', { elicitation: {} }, '2026-07-28', ['form', 'several']],
    ['forms', { elicitation: { form: {} } }, '2025-11-25', ['form', 'several']],
    ['URLs only', { elicitation: { url: {} } }, '2025-11-25', ['url']],
    ['both', { elicitation: { form: {}, url: {} } }, '2026-07-28', ['form', 'several', 'url']],
    ['forms of 2025-06-18, which have no choice of several', { elicitation: {} }, '2025-06-18', ['form']],
    ['URLs, which 2025-06-18 has not', { elicitation: { url: {} } }, '2025-06-18', []],
    ['sampling', { sampling: {} }, '2026-07-28', ['thought']],
    ['sampling with tools', { sampling: { tools: {} } }, '2025-11-25', ['thought', 'thought with tools']],
    ['roots', { roots: {} }, '2025-06-18', ['folders']],
  ])('%s', (_, declared, version, expected) => {
    expect(asked(declared, version)).toEqual(expected);
  });
});

describe('requests', () => {
  const both: ClientCapabilities = { elicitation: { form: {}, url: {} } };

  test('a form is sent as it is from 2025-11-25 on', () => {
    expect(wireRequest(task, form, askableOf(both, '2025-11-25'), '2025')).toEqual({
      method: 'elicitation/create',
      params: { mode: 'form', message: 'Which?', requestedSchema: form.schema },
    });
  });

  test('2025-06-18 gets enum and enumNames, no mode, and defaults of booleans only', () => {
    expect(wireRequest(task, form, askableOf(both, '2025-06-18'), '2025')).toEqual({
      method: 'elicitation/create',
      params: {
        message: 'Which?',
        requestedSchema: {
          type: 'object',
          properties: {
            city: { type: 'string', title: 'City', enum: ['BE', 'GE'], enumNames: ['Bern', 'Geneva'] },
            sure: { type: 'boolean', default: true },
          },
          required: ['city'],
        },
      },
    });
  });

  test('a URL has an id for its completion in 2025, and none in 2026', () => {
    const asks = askableOf(both, '2026-07-28');
    expect(wireRequest(task, url, asks, '2025').params).toEqual({
      mode: 'url',
      message: 'Open this.',
      url: 'https://example.org',
      elicitationId: 'e-1',
    });
    expect(wireRequest(task, url, asks, '2026').params).not.toHaveProperty('elicitationId');
  });

  test('sampling and roots are sent as they are', () => {
    const asks = askableOf({ sampling: {}, roots: {} }, '2026-07-28');
    expect(wireRequest(task, thought, asks, '2026')).toEqual({
      method: 'sampling/createMessage',
      params: { messages: [], maxTokens: 10 },
    });
    expect(wireRequest(task, folders, asks, '2026')).toEqual({ method: 'roots/list', params: {} });
    expect(wireRequest(task, folders, asks, '2025')).toEqual({ method: 'roots/list' });
  });
});

describe('answers', () => {
  const said = { role: 'assistant', model: 'm', content: { type: 'text', text: 'Bern' } };

  test.each<[string, InputRequest, unknown, unknown]>([
    ['a form', form, { action: 'accept', content: { city: 'BE' } }, { action: 'accept', content: { city: 'BE' } }],
    ['a URL that was opened', url, { action: 'accept' }, { action: 'accept', content: {} }],
    ['a refusal', form, { action: 'decline', content: { city: 'BE' } }, { action: 'decline' }],
    ['a dismissal', form, { action: 'cancel' }, { action: 'cancel' }],
    ['a reply of a model', thought, said, { action: 'accept', content: said }],
    ['folders', folders, { roots: [] }, { action: 'accept', content: { roots: [] } }],
  ])('%s is one', (_, request, answer, expected) => {
    expect(inputResponse(request, answer)).toEqual(expected);
  });

  test.each<[string, InputRequest, unknown]>([
    ['nothing', form, undefined],
    ['a number', form, 42],
    ['a list', form, []],
    ['another action', form, { action: 'perhaps' }],
    ['content that is no object', form, { action: 'accept', content: 'BE' }],
    ['a reply without content', thought, { role: 'assistant' }],
    ['an action where a model was asked', thought, { action: 'accept' }],
    ['folders that are no list', folders, { roots: 'all' }],
  ])('%s is none', (_, request, answer) => {
    expect(inputResponse(request, answer)).toBeUndefined();
  });
});
