import { expect, test } from 'vitest';
import { MAX_COPIED, readLines } from './copying';
import { aLogService, someRecords } from './testing';

const copied = (count: number, from: number, upTo: number): ReturnType<typeof readLines> =>
  readLines(aLogService(someRecords(1, count)).read, { from, upTo }, new AbortController().signal);

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
