import { canonical, event, halves, list, part, type Said, type Wire, word } from './wire.ts';
import type { JsonObject } from '../../src/json.ts';

function output({ thinking, proof, text, refusal, calls }: Said): JsonObject[] {
  const message = (inner: JsonObject): JsonObject => ({
    type: 'message',
    id: 'msg_1',
    role: 'assistant',
    status: 'completed',
    content: [inner],
  });
  return [
    ...(thinking === undefined
      ? []
      : [
          {
            type: 'reasoning',
            id: 'rs_1',
            summary: [{ type: 'summary_text', text: thinking }],
            ...(proof !== undefined && { encrypted_content: proof }),
          },
        ]),
    ...(text === undefined ? [] : [message({ type: 'output_text', text, annotations: [] })]),
    ...(refusal === undefined ? [] : [message({ type: 'refusal', refusal })]),
    ...(calls ?? []).map(({ id, name, args }, index) => ({
      type: 'function_call',
      id: `fc_${index}`,
      ...(id !== undefined && { call_id: id }),
      name,
      arguments: args,
      status: 'completed',
    })),
  ];
}

function response(said: Said): JsonObject {
  const { usage: used = { input: 10, output: 5 }, stop } = said;
  return {
    id: 'resp_1',
    object: 'response',
    model: 'gpt-4.1',
    status: stop === undefined ? 'completed' : 'incomplete',
    error: null,
    incomplete_details:
      stop === undefined ? null : { reason: stop === 'length' ? 'max_output_tokens' : 'content_filter' },
    output: output(said),
    usage: {
      input_tokens: used.input,
      input_tokens_details: { cached_tokens: used.cached ?? 0, cache_write_tokens: used.write ?? 0 },
      output_tokens: used.output,
      output_tokens_details: { reasoning_tokens: used.reasoning ?? 0 },
      total_tokens: used.input + used.output,
    },
  };
}

export const openaiWire: Wire = {
  provider: 'openai',
  model: 'gpt-4.1',
  base: '/v1',
  path: '/v1/responses',
  countsWrites: true,
  whole: response,
  events(said) {
    const whole = response(said);
    let sequence = 0;
    const send = (type: string, data: JsonObject): string =>
      event(type, { type, sequence_number: sequence++, ...data });
    const items = output(said).flatMap((item, index) => {
      const at = { output_index: index, item_id: word(item['id']) };
      const pieces =
        item['type'] === 'function_call'
          ? halves(item['arguments'] as string).map((delta) =>
              send('response.function_call_arguments.delta', { ...at, delta }),
            )
          : item['type'] === 'reasoning'
            ? halves(said.thinking ?? '').map((delta) =>
                send('response.reasoning_summary_text.delta', { ...at, summary_index: 0, delta }),
              )
            : said.refusal !== undefined
              ? halves(said.refusal).map((delta) => send('response.refusal.delta', { ...at, content_index: 0, delta }))
              : halves(said.text ?? '').map((delta) =>
                  send('response.output_text.delta', { ...at, content_index: 0, delta }),
                );
      return [
        send('response.output_item.added', { output_index: index, item: { ...item, status: 'in_progress' } }),
        ...pieces,
        send('response.output_item.done', { output_index: index, item }),
      ];
    });
    return [
      send('response.created', { response: { ...whole, status: 'in_progress', output: [] } }),
      ...items,
      send(said.stop === undefined ? 'response.completed' : 'response.incomplete', { response: whole }),
    ].join('');
  },
  errorEvent: event('error', { type: 'error', code: 'server_error', message: 'Overloaded', sequence_number: 3 }),
  unknownBlocks: {
    ...response({}),
    output: [
      { type: 'dream', id: 'dr_1' },
      {
        type: 'message',
        id: 'm',
        role: 'assistant',
        content: [{ type: 'smell' }, { type: 'output_text', text: 'known' }],
      },
    ],
  },
  errorBody: (code, message) => ({ error: { code, message, type: 'invalid_request_error', param: null } }),
  heard: (body) => [
    ...(typeof body['instructions'] === 'string' ? [`system: ${body['instructions']}`] : []),
    ...list(body['input']).flatMap((item) => {
      const said = item['content'] ?? item['output'];
      const text = typeof said === 'string' ? [said] : list(said).map(part);
      if (item['type'] === 'function_call') {
        return [`call ${word(item['call_id'])} ${word(item['name'])} ${canonical(item['arguments'])}`];
      }
      if (item['type'] === 'function_call_output') {
        const joined = text.join(' | ');
        const isError = joined.startsWith('Error:');
        return [`result ${word(item['call_id'])}${isError ? ' error' : ''}: ${joined.replace(/^Error:( \| |\n)/, '')}`];
      }
      if (item['type'] === 'reasoning') return [`thinking ${word(item['encrypted_content'])}`];
      return text.map((line) => `${word(item['role'])}: ${line}`);
    }),
  ],
};
