import { expect, test } from 'vitest';
import { TextFinder } from './finding';
import type { LogRecord } from '../api/mapping';
import { LiveSearch } from './live_search';
import { aRecord } from './testing';

const found = (text: string, ...records: Partial<LogRecord>[]): number[] => {
  const search = new LiveSearch(new TextFinder(text));
  return records
    .map((changes, i) => aRecord(i + 1, changes))
    .filter((record) => search.endsIn(record))
    .map(({ seq }) => seq);
};

test.each([
  ['test_login failed', '\x1b[32mtest_login\x1b[0m \x1b[31mFAILED\x1b[0m'],
  ['the report', '\x1b]8;;https://example.org\x07the report\x1b]8;;\x07'],
  ['200% done', '\r1% done\r200% done'],
  ['strasse', 'STRAßE'],
  ['STRAßE', 'strasse'],
  ['οδος', 'ΟΔΟΣ'],
  ['caf\u00e9', 'CAFE\u0301'],
  ['cafe\u0301', 'Caf\u00c9'],
])('%j is found in %j', (text, message) => {
  expect(found(text, { message })).toEqual([1]);
});

test.each(['31m', 'example.org', '1% done2'])('%j is not found in what no reader sees', (text) => {
  expect(
    found(text, {
      message: '\x1b[31mred\x1b[0m \x1b]8;;https://example.org\x07x\x1b]8;;\x07\r1% done\r\x1b[K200% done',
    }),
  ).toEqual([]);
});

test('a line in pieces is searched as a whole, and found once', () => {
  const piece = (message: string, partial: boolean): Partial<LogRecord> => ({ message, partial });
  const other = { message: 'other', stream: 'stderr' } as const;

  expect(found('one two', piece('one ', true), other, piece('two', true), piece(' three', false))).toEqual([3]);
  expect(found('one', piece('one ', true), piece('two', false), piece('one', false))).toEqual([1, 3]);
  expect(found('one two', piece('one ', true), { event: 'step', message: '' }, piece('two', false))).toEqual([]);
});
