/* oxlint-disable no-control-regex -- control characters are what a terminal is about */
import { describe, expect, test, vi } from 'vitest';
import { writeAbove } from '../../src/cli/live-area.ts';
import { type Format, showTask } from '../../src/cli/show-task.ts';
import type { Stream, Terminal } from '../../src/cli/terminal.ts';
import { text } from '../../src/task/content.ts';
import type { TaskEvent } from '../../src/task/event.ts';
import { at, completed, story, task } from './events.ts';

class Paper implements Stream {
  text = '';
  readonly isTTY: boolean;
  readonly columns: number;
  constructor(isTTY: boolean, columns: number) {
    this.isTTY = isTTY;
    this.columns = columns;
  }
  write(text: string): void {
    this.text += text;
  }
}

interface ShowHow {
  outTTY?: boolean;
  errTTY?: boolean;
  columns?: number;
  format?: Format;
  quiet?: boolean;
}

async function show(
  events: readonly TaskEvent[],
  { outTTY = false, errTTY = false, columns = 80, format = 'text', quiet = false }: ShowHow = {},
) {
  const out = new Paper(outTTY, columns);
  const err = new Paper(errTTY, columns);
  const terminal: Terminal = { out, err };
  async function* played() {
    yield* events;
  }
  const shown = await showTask(played(), terminal, { format, quiet });
  return { out: out.text, err: err.text, shown };
}

/** What a terminal shows in the end: cursor movements applied to lines. */
function screen(text: string): string[] {
  let lines = [''];
  for (const part of text.replaceAll(/\x1b\[[\d;]*m/g, '').split(/(\x1b\[\d*[A-Z]|\r|\n)/)) {
    const up = /^\x1b\[(\d+)A$/.exec(part);
    // What follows is always an erase from there to the end.
    if (up) lines = [...lines.slice(0, -1 - Number(up[1])), ''];
    else if (part === '\n') lines.push('');
    else if (!part.startsWith('\x1b') && part !== '\r') lines[lines.length - 1] += part;
  }
  return lines;
}

test.each([false, true])(
  'why nothing happens is told whole, with what may be done about it (terminal: %s)',
  async (errTTY) => {
    const statusMessage = `solo waits 30 s and asks again: ${'overloaded '.repeat(20)}Now: deputy tasks retry t1.`;
    const waiting: TaskEvent = { type: 'status', task: { ...task, statusMessage } };
    const { err } = await show([...story.slice(0, 3), waiting, ...story.slice(3)], { errTTY });
    expect(screen(err)).toContain(statusMessage);
  },
);

describe('without a terminal', () => {
  test('stdout carries the answer and nothing else; stderr a plain line a change', async () => {
    const { out, err } = await show(story);
    expect(out).toBe('The answer.\n');
    expect(err.split('\n')[0]).toBe('librarian: turn 1');
    expect(err).not.toContain('\x1b');
  });

  test('quiet leaves stderr empty', async () => {
    expect((await show(story, { quiet: true })).err).toBe('');
  });

  test('what stopped an agent goes to stderr, not to stdout', async () => {
    const limited = completed({
      stop: 'limit',
      limit: 'turns',
      isError: true,
      content: [text('It has used its 3 turns.')],
    });
    const { out, err } = await show([...story.slice(0, -1), limited]);
    expect(out).toBe('');
    expect(err).toContain('It has used its 3 turns.');
  });

  test('a structured answer is printed as JSON', async () => {
    const { out } = await show([...story.slice(0, -1), completed({ structuredContent: { findings: ['a'] } })]);
    expect(JSON.parse(out)).toEqual({ findings: ['a'] });
  });

  test('no control sequence of a model reaches stdout', async () => {
    const { out } = await show([
      ...story.slice(0, -1),
      completed({ content: [text('a\x1b[31mb\x1b]0;t\x07c\x9b2Jd\re\u202ef')] }),
    ]);
    expect(out).toBe('abcdef\n');
  });
});

describe('on a terminal', () => {
  test('the answer is written once, as it comes', async () => {
    const { out } = await show(story, { outTTY: true });
    expect(out).toBe('Now the report.\nThe answer.\n');
  });

  test('the tree stands in the end, in the order in which it happened, and is written only once', async () => {
    const { err } = await show(story, { errTTY: true });
    expect(screen(err)).toEqual([
      '├ ✓ files_search  *.md  20 ms',
      '├ ✗ files_read  no such file  30 ms',
      '└ ✓ editor  1 turn · 320 tokens · 35 ms',
      '  └ ✓ desk_write  report.md  20 ms',
      '✓ librarian answered · 3 turns · 3 calls · 1.6k tokens · $0.02 · 900 ms',
      '',
    ]);
  });

  test('what is redrawn meanwhile leaves nothing behind, and log lines stay', async () => {
    vi.useFakeTimers();
    try {
      const paper = new Paper(true, 80);
      async function* played() {
        for (const event of story) {
          yield event;
          vi.advanceTimersByTime(100);
          if (event.type === 'turn_start' && event.path === '') writeAbove(paper, `log ${event.turn}\n`);
        }
      }
      await showTask(played(), { out: new Paper(false, 80), err: paper }, { format: 'text', quiet: false });
      expect(paper.text).toContain('⠙');
      expect(screen(paper.text)).toEqual([
        'log 1',
        'log 2',
        'log 3',
        '├ ✓ files_search  *.md  20 ms',
        '├ ✗ files_read  no such file  30 ms',
        '└ ✓ editor  1 turn · 320 tokens · 35 ms',
        '  └ ✓ desk_write  report.md  20 ms',
        '✓ librarian answered · 3 turns · 3 calls · 1.6k tokens · $0.02 · 900 ms',
        '',
      ]);
    } finally {
      vi.useRealTimers();
    }
  });

  test('text between calls stands between the calls', async () => {
    const paper = new Paper(true, 80);
    async function* played() {
      yield* story;
    }
    await showTask(played(), { out: paper, err: paper }, { format: 'text', quiet: false });
    expect(screen(paper.text)).toEqual([
      '├ ✓ files_search  *.md  20 ms',
      '└ ✗ files_read  no such file  30 ms',
      'Now the report.',
      '└ ✓ editor  1 turn · 320 tokens · 35 ms',
      '  └ ✓ desk_write  report.md  20 ms',
      'The answer.',
      '✓ librarian answered · 3 turns · 3 calls · 1.6k tokens · $0.02 · 900 ms',
      '',
    ]);
  });
});

describe('for scripts', () => {
  test('--json is one object with answer, ids, stop, usage, cost, model and duration', async () => {
    const { out } = await show(story, { format: 'json' });
    expect(JSON.parse(out)).toEqual({
      type: 'result',
      agent: 'librarian',
      task: 'task-1',
      conversation: 'task-1',
      status: 'completed',
      isError: false,
      stop: 'answer',
      answer: 'The answer.',
      usage: {
        inputTokens: 1500,
        outputTokens: 100,
        cachedInputTokens: 0,
        cacheWriteTokens: 0,
        reasoningTokens: 0,
        cost: 0.02,
      },
      cost: 0.02,
      model: 'scripted/librarian',
      turns: 3,
      durationMs: 900,
    });
  });

  test('--stream-json is one event a line, the result last', async () => {
    const { out } = await show(story, { format: 'stream-json' });
    const events = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string });
    expect(events).toHaveLength(story.length + 1);
    expect(events.at(-1)).toMatchObject({ type: 'result', answer: 'The answer.' });
  });

  test('JSON carries no raw control character', async () => {
    const evil = at(1, '', { type: 'text_delta', agent: 'librarian', text: 'a\x1b[2J\x9b2J' });
    const { out } = await show([...story.slice(0, 3), evil, ...story.slice(3)], { format: 'stream-json' });
    expect(out.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
    expect(out).toContain('\\u009b2J');
  });

  test('a failed task says so', async () => {
    const { out } = await show(
      [{ type: 'status', task: { ...task, status: 'failed', error: { code: -32603, message: 'broken' } } }],
      { format: 'json' },
    );
    expect(JSON.parse(out)).toMatchObject({ status: 'failed', isError: true, error: { message: 'broken' } });
  });
});
