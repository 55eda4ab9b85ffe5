import { describe, expect, test } from 'vitest';
import { eventLine, treeLines } from '../../src/cli/progress-lines.ts';
import { columnsOf } from '../../src/cli/clean-text.ts';
import { emptyTree, grow, type ProgressTree } from '../../src/cli/progress-tree.ts';
import type { Activity } from '../../src/task/mandate.ts';
import type { TaskEvent } from '../../src/task/event.ts';
import { at, story } from './events.ts';

const plain = { width: 80, now: 1_000_900, paint: (_: unknown, text: string) => text, frame: 0 };

function grown(events: readonly TaskEvent[]): ProgressTree {
  const tree = emptyTree();
  for (const event of events) grow(tree, event);
  return tree;
}

describe('the tree', () => {
  test('shows agents under the call that started them, with turns, tokens, cost and time', () => {
    expect(treeLines(grown(story), plain)).toEqual([
      '✓ librarian  3 turns · 1.6k tokens · $0.02 · 900 ms',
      '├ ✓ files_search  *.md  20 ms',
      '├ ✗ files_read  no such file  30 ms',
      '└ ✓ editor  1 turn · 320 tokens · 35 ms',
      '  └ ✓ desk_write  report.md  20 ms',
    ]);
  });

  test('shows what runs with a spinner and the time so far', () => {
    const running = grown(story.slice(0, 7));
    expect(treeLines(running, { ...plain, now: 1_000_025 })).toEqual([
      '⠋ librarian  turn 1 · 520 tokens · 25 ms',
      '├ ✓ files_search  *.md  20 ms',
      '└ ⠋ files_read  gone.md  15 ms',
    ]);
  });

  test('shows only the calls that are not on the screen yet', () => {
    expect(treeLines(grown(story), { ...plain, from: 2 }).slice(1)).toEqual([
      '└ ✓ editor  1 turn · 320 tokens · 35 ms',
      '  └ ✓ desk_write  report.md  20 ms',
    ]);
  });

  test('shows the agents of another Deputy below the call that started them, with what each does', () => {
    const call = { agent: 'librarian', callId: 'c', tool: 'lab__triage' } as const;
    const working = (below: Activity[]) =>
      at(20, 'turn 1: call 2', { type: 'tool_progress', ...call, progress: 2, below } as const);
    const begun: TaskEvent[] = [
      ...story.slice(0, 5),
      at(11, 'turn 1: call 2', { type: 'tool_start', ...call, args: { message: 'sort' } }),
    ];
    const events = [
      ...begun,
      working([
        { chain: ['lab/triage'], line: 'turn 2: calls 3 tools' },
        { chain: ['lab/triage', 'bank/payer'], line: 'asks a person' },
        { chain: ['lab/triage', 'bank/payer', 'ledger\u001b[2J'], line: 'turn 1' },
        {
          chain: ['lab/triage', 'notes'],
          line: 'turn 4 \u202e\n and a line that is longer than the whole width of it',
        },
        { chain: ['lab/triage', 'notes'], line: 'turn 1' },
      ]),
    ];
    const shown = { ...plain, width: 48, now: 1_000_025 };
    expect(treeLines(grown(events), shown).slice(-5)).toEqual([
      '└ ⠋ lab__triage  turn 2: calls 3 tools  14 ms',
      '  ├ bank/payer  asks a person',
      '  │ └ ledger  turn 1',
      '  ├ notes  turn 4 and a line that is longer th…',
      '  └ notes  turn 1',
    ]);
    const many = Array.from({ length: 50 }, (_, index) => ({ chain: ['lab/triage', `a${index}`], line: 'x' }));
    const crowded = treeLines(grown([...begun, working(many)]), shown);
    expect(crowded).toHaveLength(2 + 1 + 12);
    expect(crowded.at(-1)).toBe('  └ … and 39 more');
    const ended = at(30, 'turn 1: call 2', { type: 'tool_end', ...call, isError: false, summary: 'ok' } as const);
    expect(treeLines(grown([...events, ended]), shown).at(-1)).toBe('└ ✓ lab__triage  sort  19 ms');
  });

  test('folds many calls of one tool in one turn into one line', () => {
    const reads = Array.from({ length: 12 }, (_, index) => `turn 1: call ${index + 1}`).flatMap((path, index) => [
      at(10, path, {
        type: 'tool_start',
        agent: 'librarian',
        callId: 'c',
        tool: 'files_read',
        args: { path: `${index}.md` },
      }),
      at(20, path, {
        type: 'tool_end',
        agent: 'librarian',
        callId: 'c',
        tool: 'files_read',
        isError: false,
        summary: '',
      }),
    ]);
    const [, ...calls] = treeLines(grown([...story.slice(0, 4), ...reads]), plain);
    expect(calls).toHaveLength(1);
    expect(calls[0]).toMatch(/^└ ✓ files_read ×12 {2}0\.md, 1\.md.*… {2}10 ms$/);
  });

  test.each([20, 33, 50, 200])('never makes a line wider than %i columns', (width) => {
    const wide = at(10, 'turn 1: call 9', {
      type: 'tool_start',
      agent: 'librarian',
      callId: 'c',
      tool: '読む_read_a_long_tool_name',
      args: { path: '漢字'.repeat(80), also: '🦊'.repeat(50) },
    });
    for (const line of treeLines(grown([...story.slice(0, 7), wide]), { ...plain, width }))
      expect(columnsOf(line)).toBeLessThanOrEqual(width);
  });

  test('shows no control character of a model or a tool', () => {
    const evil = at(10, 'turn 1: call 9', {
      type: 'tool_start',
      agent: 'librarian',
      callId: 'c',
      tool: 'x\x1b[2Jy',
      args: { path: '\x1b]0;title\x07a\nb\u202e' },
    });
    const lines = treeLines(grown([...story.slice(0, 4), evil]), plain);
    expect(lines[1]).toBe('└ ⠋ xy  a b  890 ms');
  });
});

describe('lines for a reader without a terminal', () => {
  test('say each change once, with the chain of agents', () => {
    const tree = emptyTree();
    const lines = story.flatMap((event) => {
      grow(tree, event);
      return eventLine(tree, event) ?? [];
    });
    expect(lines).toEqual([
      'librarian: turn 1',
      'librarian: files_search *.md',
      'librarian: files_read gone.md',
      'librarian: files_search *.md done in 20 ms',
      'librarian: files_read gone.md failed in 30 ms: no such file',
      'librarian: turn 2',
      'librarian: editor Write it down.',
      'librarian > editor: turn 1',
      'librarian > editor: desk_write report.md',
      'librarian > editor: desk_write report.md done in 20 ms',
      'librarian > editor: answered · 1 turn · 1 call · 320 tokens · 35 ms',
      'librarian: editor Write it down. done in 35 ms',
      'librarian: turn 3',
      'librarian: answered · 3 turns · 3 calls · 1.6k tokens · $0.02 · 900 ms',
    ]);
  });

  test('say what agents of another Deputy do, each time it is something else', () => {
    const tree = emptyTree();
    const call = { agent: 'librarian', callId: 'c', tool: 'lab__triage' } as const;
    const working = (...lines: string[]) => {
      const below = lines.map((line, index) => ({
        chain: ['lab/triage', ...(index === 0 ? [] : ['bank/payer'])],
        line,
      }));
      return at(20, 'turn 1: call 2', { type: 'tool_progress', ...call, progress: 2, below } as const);
    };
    const lines = [
      ...story.slice(0, 3),
      at(11, 'turn 1: call 2', { type: 'tool_start', ...call, args: {} } as const),
      working('turn 1'),
      working('turn 1', 'asks'),
      working('turn 1', 'asks'),
      working('turn 2\u001b[2J', 'asks'),
    ].flatMap((event) => {
      grow(tree, event);
      return eventLine(tree, event) ?? [];
    });
    expect(lines.slice(2)).toEqual([
      'librarian > lab/triage: turn 1',
      'librarian > lab/triage > bank/payer: asks',
      'librarian > lab/triage: turn 2',
    ]);
  });
});
