import { expect, test } from 'vitest';
import { MAX_COPIED, readRows, toText } from './copying';
import { toRows } from './rows';
import { aLogService, someRecords } from './testing';

async function copied(count: number, from: number, upTo: number): Promise<{ text: string; isCut: boolean }> {
  const { read } = aLogService(someRecords(1, count));
  const { rows, isCut } = await readRows(read, { from, upTo }, new AbortController().signal);
  return { text: toText(rows), isCut };
}

test('all lines of a range are copied', async () => {
  const { text, isCut } = await copied(3000, 2, 2500);

  expect(text.split('\n')).toHaveLength(2499);
  expect(text).toMatch(/^line 2\nline 3\n/);
  expect(isCut).toBe(false);
});

test('a range that is too long is cut, and says so', async () => {
  const { text, isCut } = await copied(MAX_COPIED + 2, 1, MAX_COPIED + 2);

  expect(text.split('\n')).toHaveLength(MAX_COPIED);
  expect(isCut).toBe(true);
});

test.each([
  [MAX_COPIED, MAX_COPIED],
  [10, 99],
])('a range of a log of %d lines up to %d is not cut', async (count, upTo) => {
  expect((await copied(count, 1, upTo)).isCut).toBe(false);
});

test.each([
  [1, 0, Infinity, 'line 1'],
  [2, 2, 4, 'ne 1\nline'],
  [3, 0, 0, 'line 1\nline 2\n'],
  [0, 2, 4, ''],
])('the text of %d rows from character %d to character %d of the last', (count, start, end, text) => {
  expect(toText(toRows(someRecords(1, count)), start, end)).toBe(text);
});
