import { canonical, event, halves, list, part, type Said, type Wire, word } from './wire.ts';
import type { JsonObject } from '../../src/json.ts';

function content({ thinking, proof, text, refusal, calls }: Said): JsonObject[] {
  return [
    ...(thinking === undefined ? [] : [{ type: 'thinking', thinking, signature: proof ?? 'sig' }]),
    ...(text === undefined ? [] : [{ type: 'text', text, citations: null }]),
    ...(refusal === undefined ? [] : [{ type: 'text', text: refusal }]),
    ...(calls ?? []).map(({ id, name, args }) => ({ type: 'tool_use', id: id ?? '', name, input: args })),
  ];
}

const stopReason = ({ stop, refusal, calls }: Said): string =>
  stop === 'length' ? 'max_tokens' : stop === 'refusal' || refusal ? 'refusal' : calls ? 'tool_use' : 'end_turn';

function usage({ usage: used = { input: 10, output: 5 } }: Said): JsonObject {
  return {
    input_tokens: used.input - (used.cached ?? 0) - (used.write ?? 0),
    cache_read_input_tokens: used.cached ?? 0,
    cache_creation_input_tokens: used.write ?? 0,
    output_tokens: used.output,
    ...(used.reasoning !== undefined && { output_tokens_details: { thinking_tokens: used.reasoning } }),
  };
}

const base = { id: 'msg_1', type: 'message', role: 'assistant', model: 'claude-opus-5', stop_sequence: null };

const parsed = (args: string): JsonObject | string => {
  try {
    return JSON.parse(args) as JsonObject;
  } catch {
    return args;
  }
};

export const anthropicWire: Wire = {
  provider: 'anthropic',
  model: 'claude-opus-5',
  base: '',
  path: '/v1/messages',
  countsWrites: true,
  whole: (said) => ({
    ...base,
    content: content(said).map((block) =>
      block['type'] === 'tool_use' ? { ...block, input: parsed(block['input'] as string) } : block,
    ),
    stop_reason: stopReason(said),
    usage: usage(said),
  }),
  events(said) {
    const used = usage(said);
    const { output_tokens: output, output_tokens_details: details, ...input } = used;
    const start = { ...base, content: [], stop_reason: null, usage: { ...input, output_tokens: 1 } };
    const blocks = content(said).map((block, index) => {
      const delta = (inner: JsonObject): string =>
        event('content_block_delta', { type: 'content_block_delta', index, delta: inner });
      const empty =
        block['type'] === 'text'
          ? { type: 'text', text: '' }
          : block['type'] === 'thinking'
            ? { type: 'thinking', thinking: '', signature: '' }
            : { ...block, input: {} };
      const pieces =
        block['type'] === 'text'
          ? halves(block['text'] as string).map((text) => delta({ type: 'text_delta', text }))
          : block['type'] === 'thinking'
            ? [
                ...halves(block['thinking'] as string).map((thinking) => delta({ type: 'thinking_delta', thinking })),
                delta({ type: 'signature_delta', signature: block['signature']! }),
              ]
            : halves(block['input'] as string).map((json) => delta({ type: 'input_json_delta', partial_json: json }));
      return [
        event('content_block_start', { type: 'content_block_start', index, content_block: empty }),
        ...pieces,
        event('content_block_stop', { type: 'content_block_stop', index }),
      ].join('');
    });
    return [
      event('message_start', { type: 'message_start', message: start }),
      event('ping', { type: 'ping' }),
      ...blocks,
      event('message_delta', {
        type: 'message_delta',
        delta: { stop_reason: stopReason(said), stop_sequence: null },
        usage: { output_tokens: output, ...(details !== undefined && { output_tokens_details: details }) },
      }),
      event('message_stop', { type: 'message_stop' }),
    ].join('');
  },
  errorEvent: event('error', { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }),
  unknownBlocks: {
    ...base,
    content: [
      { type: 'dream', dream: { of: 'sheep' } },
      { type: 'text', text: '' },
      { type: 'text', text: 'known' },
    ],
    stop_reason: 'end_turn',
    usage: { input_tokens: 1, output_tokens: 1 },
  },
  errorBody: (type, message) => ({ type: 'error', error: { type, message } }),
  heard: (body) => [
    ...(typeof body['system'] === 'string' ? [`system: ${body['system']}`] : []),
    ...list(body['system']).map((block) => `system: ${word(block['text'])}`),
    ...list(body['messages']).flatMap(({ role, content: inner }) => {
      if (typeof inner === 'string') return [`${word(role)}: ${inner}`];
      return list(inner).map((block) => {
        if (block['type'] === 'tool_use') {
          return `call ${word(block['id'])} ${word(block['name'])} ${canonical(block['input'])}`;
        }
        if (block['type'] === 'tool_result') {
          const said = block['content'];
          const text = typeof said === 'string' ? said : list(said).map(part).join(' | ');
          return `result ${word(block['tool_use_id'])}${block['is_error'] === true ? ' error' : ''}: ${text}`;
        }
        if (block['type'] === 'thinking') return `thinking ${word(block['signature'])}`;
        return `${word(role)}: ${part(block)}`;
      });
    }),
  ],
};
