import { describe, expect, it } from 'vitest';
import {
  ModelError,
  type Model,
  type ModelErrorKind,
  type ModelReply,
  type ModelRequest,
} from '../../src/agent/model.ts';
import { UnknownModelError, withFallback } from '../../src/providers/fallback.ts';
import { sleepUntil, withRetries } from '../../src/providers/retries.ts';
import { noUsage } from '../../src/task/usage.ts';

type Outcome = ModelError | Error | 'ok';

/** A model that comes to each outcome in turn, and counts how often it was asked. */
function modelOf(id: string, ...outcomes: Outcome[]): Model & { asked: number } {
  const model = {
    id,
    contextWindow: 1000,
    asked: 0,
    async generate(request: ModelRequest): Promise<ModelReply> {
      const outcome = outcomes[model.asked++] ?? 'ok';
      request.onDelta?.({ type: 'text', text: `${id}${model.asked}` });
      if (outcome !== 'ok') throw outcome;
      return { message: { role: 'assistant', content: [] }, stop: 'end', usage: noUsage, model: id };
    },
  };
  return model;
}
const failed = (kind: ModelErrorKind = 'unavailable', retryAfterMs?: number): ModelError =>
  new ModelError(kind, `it is ${kind}`, retryAfterMs === undefined ? {} : { retryAfterMs });
const request = (onDelta?: ModelRequest['onDelta']): ModelRequest => ({
  system: '',
  messages: [],
  tools: [],
  signal: new AbortController().signal,
  ...(onDelta && { onDelta }),
});
function waiting(random = 1): { waits: number[]; options: Parameters<typeof withRetries>[1] } {
  const waits: number[] = [];
  return { waits, options: { random: () => random, sleep: async (ms) => void waits.push(ms) } };
}

describe('retries', () => {
  it('wait twice as long each time, up to four tries', async () => {
    const { waits, options } = waiting();
    const model = modelOf('m', failed(), failed(), failed(), failed());
    await expect(withRetries(model, options).generate(request())).rejects.toThrow('it is unavailable');
    expect(model.asked).toBe(4);
    expect(waits).toEqual([500, 1000, 2000]);
  });

  it('spread over the whole wait, and never wait longer than 30 s', async () => {
    const { waits, options } = waiting(0.25);
    const outcomes = Array.from({ length: 9 }, () => failed());
    await withRetries(modelOf('m', ...outcomes), { ...options, tries: 10 }).generate(request());
    expect(waits).toEqual([125, 250, 500, 1000, 2000, 4000, 7500, 7500, 7500]);
  });

  it('wait as long as the server wants', async () => {
    const { waits, options } = waiting();
    await withRetries(modelOf('m', failed('unavailable', 7000)), options).generate(request());
    expect(waits).toEqual([7000]);
  });

  it('give up at once on a server that wants more than 60 s', async () => {
    const { waits, options } = waiting();
    const model = modelOf('m', failed('unavailable', 61_000));
    await expect(withRetries(model, options).generate(request())).rejects.toThrow();
    expect([model.asked, waits]).toEqual([1, []]);
  });

  it.each(['auth', 'rejected', 'context_length'] as const)('do not try %s again', async (kind) => {
    const model = modelOf('m', failed(kind));
    await expect(withRetries(model, waiting().options).generate(request())).rejects.toMatchObject({ kind });
    expect(model.asked).toBe(1);
  });

  it('tell who reads along that the reply begins again', async () => {
    const told: string[] = [];
    await withRetries(modelOf('m', failed()), waiting().options).generate(
      request((delta) => void told.push(delta.text)),
    );
    expect(told).toEqual(['m1', '\n\n[the connection was lost; the reply begins again]\n\n', 'm2']);
  });

  it('end their wait with the reason of an abort', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const waited = sleepUntil(60_000, controller.signal);
    controller.abort(reason);
    await expect(waited).rejects.toBe(reason);
    await expect(sleepUntil(60_000, controller.signal)).rejects.toBe(reason);
  });

  it('keep id and window', () => {
    expect(withRetries(modelOf('m'))).toMatchObject({ id: 'm', contextWindow: 1000 });
  });
});

describe('fallback', () => {
  it.each([
    ['unavailable', failed()],
    ['without a key', failed('auth')],
    ['of an unknown name', new UnknownModelError('no such model')],
  ])('answers for a model that is %s', async (_, error) => {
    const reply = await withFallback(modelOf('a', error), [modelOf('b', error), modelOf('c')]).generate(request());
    expect(reply.model).toBe('c');
  });

  it.each([failed('context_length'), failed('rejected'), new Error('abort')])(
    'is not asked after: %s',
    async (error) => {
      const second = modelOf('b');
      await expect(withFallback(modelOf('a', error), [second]).generate(request())).rejects.toBe(error);
      expect(second.asked).toBe(0);
    },
  );

  it('names every failure where nobody could answer, and whether later may be better', async () => {
    const model = withFallback(modelOf('a', failed('auth')), [modelOf('b', failed())]);
    await expect(model.generate(request())).rejects.toMatchObject({
      kind: 'unavailable',
      message: 'no model could answer:\n- it is auth\n- it is unavailable',
    });
  });

  it('tells who reads along that another one begins', async () => {
    const told: string[] = [];
    await withFallback(modelOf('a', failed()), [modelOf('b')]).generate(request((delta) => void told.push(delta.text)));
    expect(told).toHaveLength(3);
  });
});
