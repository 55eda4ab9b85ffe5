import { canonical, event, halves, list, part, type Said, type Wire, word } from './wire.ts';
import type { Json, JsonObject } from '../../src/json.ts';

const finish = ({ stop, calls }: Said): string =>
  stop === 'length' ? 'length' : stop === 'refusal' ? 'content_filter' : calls ? 'tool_calls' : 'stop';

const calls = (said: Said): JsonObject[] =>
  (said.calls ?? []).map(({ id, name, args }) => ({
    ...(id !== undefined && { id }),
    type: 'function',
    function: { name, arguments: args },
  }));

function usage({ usage: used = { input: 10, output: 5 } }: Said): JsonObject {
  return {
    prompt_tokens: used.input,
    completion_tokens: used.output,
    total_tokens: used.input + used.output,
    prompt_tokens_details: { cached_tokens: used.cached ?? 0, cache_write_tokens: used.write ?? 0 },
    completion_tokens_details: { reasoning_tokens: used.reasoning ?? 0 },
  };
}

const base = { id: 'chatcmpl-1', object: 'chat.completion', created: 1, model: 'gpt-4.1' };

export const openaiChatWire: Wire = {
  provider: 'openai-chat',
  model: 'gpt-4.1',
  base: '/v1',
  path: '/v1/chat/completions',
  countsWrites: true,
  whole: (said) => ({
    ...base,
    choices: [
      {
        index: 0,
        finish_reason: finish(said),
        message: {
          role: 'assistant',
          content: said.text ?? null,
          refusal: said.refusal ?? null,
          annotations: [],
          ...(said.thinking !== undefined && { reasoning_content: said.thinking }),
          ...(said.calls && { tool_calls: calls(said) }),
        },
      },
    ],
    usage: usage(said),
  }),
  events(said) {
    const chunk = (delta: JsonObject, finish_reason: Json = null): string =>
      event(undefined, { ...base, object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason }] });
    return [
      chunk({ role: 'assistant', content: '' }),
      ': keep-alive\n\n',
      ...halves(said.thinking ?? '').map((reasoning_content) => chunk({ reasoning_content })),
      ...halves(said.text ?? '').map((content) => chunk({ content })),
      ...halves(said.refusal ?? '').map((refusal) => chunk({ refusal })),
      ...(said.calls ?? []).flatMap(({ id, name, args }, index) => [
        chunk({
          tool_calls: [{ index, ...(id !== undefined && { id }), type: 'function', function: { name, arguments: '' } }],
        }),
        ...halves(args).map((piece) => chunk({ tool_calls: [{ index, function: { arguments: piece } }] })),
      ]),
      chunk({}, finish(said)),
      event(undefined, { ...base, object: 'chat.completion.chunk', choices: [], usage: usage(said) }),
      'data: [DONE]\n\n',
    ].join('');
  },
  errorEvent: event(undefined, { error: { code: 'server_error', message: 'Overloaded' } }),
  unknownBlocks: {
    ...base,
    choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'known', dream: { of: 1 } } }],
    usage: usage({}),
  },
  errorBody: (code, message) => ({ error: { code, message, type: 'invalid_request_error', param: null } }),
  heard: (body) =>
    list(body['messages']).flatMap((message) => {
      const { role, content } = message;
      const said = typeof content === 'string' ? [content] : list(content).map(part);
      if (role === 'tool') {
        const joined = said.join(' | ');
        const isError = joined.startsWith('Error:');
        return [
          `result ${word(message['tool_call_id'])}${isError ? ' error' : ''}: ${joined.replace(/^Error:\n/, '')}`,
        ];
      }
      return [
        ...(typeof message['reasoning_content'] === 'string' ? [`thinking ${message['reasoning_content']}`] : []),
        ...said.map((line) => `${word(role)}: ${line}`),
        ...list(message['tool_calls']).map((call) => {
          const { name, arguments: args } = call['function'] as JsonObject;
          return `call ${word(call['id'])} ${word(name)} ${canonical(args)}`;
        }),
      ];
    }),
};
