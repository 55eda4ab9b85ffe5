import { describe, expect, test } from 'vitest';
import { askForm } from '../../src/cli/ask-form.ts';
import { contentFrom, fieldsOf, usageOf } from '../../src/cli/form.ts';
import type { JsonObject } from '../../src/json.ts';

const schema: JsonObject = {
  type: 'object',
  properties: {
    decision: {
      type: 'string',
      title: 'Did it happen?',
      oneOf: [
        { const: 'stop', title: 'Stop the task' },
        { const: 'run', title: 'Run it' },
      ],
    },
    size: { type: 'string', enum: ['s', 'l'], enumNames: ['Small', 'Large'] },
    count: { type: 'integer', minimum: 1 },
    sure: { type: 'boolean' },
    colours: { type: 'array', items: { type: 'string', enum: ['red', 'blue'] } },
    note: { type: 'string', description: 'The model reads this.' },
  },
  required: ['decision'],
};

describe('an answer in words', () => {
  test('is read by the form: choices by value or title, numbers, yes and no, lists', () => {
    const words = ['decision=Run it', 'size=l', 'count=3', 'sure=no', 'colours=red, blue', 'note=a=b'];
    expect(contentFrom(schema, words)).toEqual({
      decision: 'run',
      size: 'l',
      count: 3,
      sure: false,
      colours: ['red', 'blue'],
      note: 'a=b',
    });
  });

  test.each([
    [['decision=perhaps'], /does not fit: decision must be/],
    [['decision=run', 'count=many'], /count must be integer/],
    [['decision=run', 'count=0'], /count must be >= 1/],
    [['decision=run', 'colour=red'], /"colour=red" answers nothing here/],
    [['run'], /"run" answers nothing here/],
    [[], /decision/],
  ])('%j is refused, with what would fit', (words, message) => {
    expect(() => contentFrom(schema, words)).toThrow(message);
    expect(() => contentFrom(schema, words)).toThrow('decision=stop|run [size=s|l] [count=NUMBER] [sure=yes|no]');
  });

  test('may come as JSON, with words beside it', () => {
    expect(contentFrom(schema, ['note=x'], { decision: 'stop' })).toEqual({ decision: 'stop', note: 'x' });
  });

  test('a schema that is none is a form without fields', () => {
    expect(fieldsOf({ properties: 'x', required: 3 })).toEqual([]);
    expect(usageOf([])).toBe('');
  });
});

describe('a form at the terminal', () => {
  const asked = async (typed: string[], form: JsonObject = schema) => {
    let shown = '';
    const prompts: string[] = [];
    const err = { write: (text: string) => (shown += text), isTTY: false };
    const response = await askForm(
      { kind: 'form', message: 'First.\nSecond.\x1b[2J', schema: form },
      err,
      async (prompt) => {
        prompts.push(prompt.trim());
        return typed.shift();
      },
    );
    return { response, shown, prompts };
  };

  test('is asked field by field, what is optional may be left out', async () => {
    const { response, shown, prompts } = await asked(['', '9', '2', '', '', 'y', 'blue', 'done']);
    expect(response).toEqual({
      action: 'accept',
      content: { decision: 'run', sure: true, colours: ['blue'], note: 'done' },
    });
    expect(shown).toContain('? First.\n  Second.\n');
    expect(shown).not.toContain('\x1b');
    expect(shown).toContain('    2  Run it\n');
    expect(prompts.slice(0, 4)).toEqual(['[1-2]:', '[1-2]:', '[1-2]:', '[1-2]:']);
  });

  test('is asked again where the answer does not fit', async () => {
    const form = { type: 'object', properties: { count: { type: 'integer' } }, required: ['count'] };
    const { response, shown } = await asked(['many', '4'], form);
    expect(shown).toContain('That does not fit: count must be integer');
    expect(response).toEqual({ action: 'accept', content: { count: 4 } });
  });

  test('is left open at the end of the input', async () => {
    expect((await asked(['run'])).response).toBeUndefined();
  });

  test('without fields it is a yes or a no', async () => {
    const form = { type: 'object', properties: {} };
    expect((await asked(['hm', 'yes'], form)).response).toEqual({ action: 'accept', content: {} });
    expect((await asked(['n'], form)).response).toEqual({ action: 'decline' });
  });
});
