import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Message } from '../../src/agent/model.ts';
import { text } from '../../src/task/content.ts';
import { turnsOf } from '../../src/providers/turns.ts';

const ids = fc.constantFrom('a', 'b', 'functions.x:0', '');
const userMessage: fc.Arbitrary<Message> = fc.record({
  role: fc.constant('user' as const),
  content: fc.array(
    fc.oneof(
      fc.constant(text('words')),
      ids.map((callId) => ({ type: 'tool_result' as const, callId, content: [text('r')], isError: false })),
    ),
    { maxLength: 4 },
  ),
});
const assistantMessage: fc.Arbitrary<Message> = fc
  .record({ calls: fc.uniqueArray(ids, { maxLength: 3 }), words: fc.boolean(), isOwn: fc.boolean() })
  .map(({ calls, words, isOwn }) => ({
    role: 'assistant',
    content: [
      ...(words ? [text('hm')] : []),
      ...calls.map((id) => ({ type: 'tool_call' as const, id, name: 'n', args: {} })),
    ],
    ...(isOwn && { native: { by: 'me', value: [] } }),
  }));

describe('turns', () => {
  it('alternate, and every call has exactly one result in the turn after it, whatever was stored', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(userMessage, assistantMessage), { maxLength: 12 }), (messages) => {
        let open: string[] = [];
        let role = '';
        for (const turn of turnsOf(messages, 'me')) {
          if (turn.role === 'user') {
            expect(role).not.toBe('user');
            expect(turn.results.map(({ callId }) => callId).toSorted()).toEqual(open.toSorted());
            open = [];
          } else {
            expect(open).toEqual([]);
            open = turn.message.content.filter((block) => block.type === 'tool_call').map(turn.wireId);
          }
          role = turn.role;
        }
        expect(open).toEqual([]);
      }),
    );
  });

  it('number foreign calls by their place, so that the same history gives the same bytes', () => {
    const call = (id: string): Message => ({
      role: 'assistant',
      content: [{ type: 'tool_call', id, name: 'n', args: {} }],
    });
    const turns = [...turnsOf([call('x:1'), call('x:1')], 'me')];
    const wireIds = turns.flatMap((turn) => (turn.role === 'user' ? turn.results.map(({ callId }) => callId) : []));
    expect(wireIds).toEqual(['c00000001', 'c00000002']);
  });
});
