import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cleanPieces, cleanText, columnsOf, oneLine } from '../../src/cli/clean-text.ts';

describe('text for a terminal', () => {
  test.each([
    ['colours', '\x1b[1;31mred\x1b[0m', 'red'],
    ['8-bit CSI', '\x9b31mred', 'red'],
    ['a title, ended by BEL', '\x1b]0;owned\x07text', 'text'],
    ['a link, ended by ST', '\x1b]8;;https://x\x1b\\text\x1b]8;;\x1b\\', 'text'],
    ['a DCS', '\x1bP1$r0m\x1b\\text', 'text'],
    ['a reset', '\x1bctext', 'text'],
    ['overwriting', 'safe\rEVIL\bx', 'safeEVILx'],
    ['bidirectional overrides', 'a\u202eb\u2066c', 'abc'],
    ['nothing else', 'ä 漢\t🦊\n[31m', 'ä 漢\t🦊\n[31m'],
  ])('is free of %s', (_, dirty, clean) => {
    expect(cleanText(dirty)).toBe(clean);
  });

  test('is the same in whatever pieces it comes', () => {
    const dirty = 'a\x1b[31mb\x1b]0;title\x07c\x1b]8;;x\x1b\\d\x9b2Je';
    fc.assert(
      fc.property(fc.array(fc.nat(dirty.length), { maxLength: 6 }), (cuts) => {
        const clean = cleanPieces();
        const places = [0, ...cuts.toSorted((a, b) => a - b), dirty.length];
        const pieces = places.slice(1).map((end, index) => dirty.slice(places[index], end));
        expect(pieces.map(clean).join('')).toBe('abcde');
      }),
    );
  });

  test('never holds text back for good', () => {
    const clean = cleanPieces();
    const written = [clean('\x1b]0;'), ...Array.from({ length: 200 }, () => clean('x'.repeat(100)))].join('');
    expect(written.length).toBeGreaterThan(10_000);
  });

  test('no escape survives, whatever comes in', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('\x1b', '[', ']', '\x9b', '0', ';', 'm', 'a', '\x07', '\\', '\r') }),
        (dirty) => {
          expect(cleanText(dirty)).not.toMatch(/\p{Cc}/u);
        },
      ),
    );
  });

  test('one line fits its columns, wide characters counted twice', () => {
    expect(oneLine('漢字漢字', 5)).toBe('漢字…');
    expect(columnsOf('é🦊')).toBe(3);
    expect(oneLine('a\n b\tc', 80)).toBe('a b c');
  });
});
