import { expect, test } from 'vitest';
import { PageCache } from './page_cache';
import { aRecord, someRecords } from './testing';

test('a log of a million lines knows its rows before any is loaded', () => {
  const cache = new PageCache(0, 1_000_000, 1_000_000, false);

  expect(cache.length).toBe(1_000_000);
  expect(cache.rows(999_999, 5)).toEqual([undefined]);
  expect(cache.seqAt(499_999)).toBe(500_000);
  expect(cache.indexOf(500_000)).toBe(499_999);
});

test('the page in view is requested, and the next one if the view reaches into it', () => {
  const cache = new PageCache(0, 10_000, 10_000, false);

  expect(cache.missing(4_100, 4_150)).toEqual([{ after: 4000, before: 5001 }]);
  expect(cache.missing(4_980, 5_030)).toEqual([
    { after: 4000, before: 5001 },
    { after: 5000, before: 6001 },
  ]);
});

test('a loaded page is not requested again, and its rows are in place', () => {
  const cache = new PageCache(0, 10_000, 10_000, false);

  cache.fill(4000, 5000, someRecords(4001, 5000), 10_000);

  expect(cache.missing(4_100, 4_150)).toEqual([]);
  expect(cache.rows(4_100, 2).map((row) => row?.seq)).toEqual([4101, 4102]);
  expect(cache.length).toBe(10_000);
  expect(cache.indexOf(4101)).toBe(4100);
});

test('joined lines shorten the log', () => {
  const cache = new PageCache(0, 3000, 3000, false);

  cache.fill(
    1000,
    2000,
    someRecords(1001, 2000, (seq) => ({ partial: seq < 2000 })),
    3000,
  );

  expect(cache.length).toBe(2001);
  expect(cache.seqAt(1000)).toBe(2000);
  expect(cache.indexOf(2001)).toBe(1001);
});

test('a page that overlaps a loaded one is ignored', () => {
  const cache = new PageCache(0, 2000, 2000, false);
  cache.fill(0, 1000, someRecords(1, 1000), 2000);

  cache.fill(500, 1500, someRecords(501, 1500), 2000);

  expect(cache.missing(0, 2000)).toEqual([{ after: 1000, before: 2001 }]);
});

test('lines around a match are added as far as they are not loaded', () => {
  const cache = new PageCache(0, 2000, 2000, false);
  cache.fill(500, 1000, someRecords(501, 1000), 2000);

  cache.fillGaps(someRecords(451, 1050));

  expect(cache.rows(450, 600).map((row) => row?.seq)).toEqual(Array.from({ length: 600 }, (_, i) => 451 + i));
  expect(cache.length).toBe(2000);
  expect(cache.missing(0, 2000)).toEqual([
    { after: 0, before: 451 },
    { after: 1050, before: 2001 },
  ]);
});

test('records from the stream are appended', () => {
  const cache = new PageCache(0, 10, 10, false);
  cache.fill(0, 10, someRecords(1, 10), 10);

  cache.append(8, 12, someRecords(9, 12));

  expect(cache.rows(0, 20).map((row) => row?.seq)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
});

test('a gap in the stream is requested later', () => {
  const cache = new PageCache(0, 10, 10, false);
  cache.fill(0, 10, someRecords(1, 10), 10);

  cache.append(20, 22, someRecords(21, 22));

  expect(cache.length).toBe(22);
  expect(cache.missing(8, 14)).toEqual([{ after: 10, before: 21 }]);
});

test('a long stream keeps a bounded number of pages', () => {
  const cache = new PageCache(0, 0, 0, false);

  for (let i = 0; i < 100; i++) cache.append(i * 500, (i + 1) * 500, someRecords(i * 500 + 1, (i + 1) * 500));

  expect(cache.length).toBe(50_000);
  expect(cache.rows(0, 50_000).filter(Boolean).length).toBeLessThanOrEqual(25_000);
  expect(cache.rows(49_999, 1)[0]?.seq).toBe(50_000);
});

test('a few errors among a million lines fit in one page', () => {
  const cache = new PageCache(0, 1_000_000, 3, true);

  expect(cache.missing(0, 3)).toEqual([{ after: 0, before: 1_000_001 }]);

  cache.fill(0, 1_000_000, [aRecord(5), aRecord(500_000), aRecord(999_999)], 3);

  expect(cache.rows(0, 10).map((row) => row?.seq)).toEqual([5, 500_000, 999_999]);
});

test('a long filtered log loads its end backwards, and its middle from an estimate', () => {
  const cache = new PageCache(0, 1_000_000, 100_000, true);

  expect(cache.missing(99_950, 100_000)).toEqual([{ before: 1_000_001 }]);
  expect(cache.missing(50_000, 50_050)).toEqual([{ after: 497_500, before: 1_000_001 }]);
});

test('folded records have no rows, loaded or not', () => {
  const cache = new PageCache(0, 3000, 3000, false);
  cache.fill(0, 1000, someRecords(1, 1000), 3000);

  cache.hide([{ from: 11, upTo: 2010 }], false);

  expect(cache.length).toBe(1000);
  expect(cache.rows(9, 2).map((row) => row?.seq)).toEqual([10, undefined]);
});

const cut = (seq: number): { partial: boolean } => ({ partial: seq >= 990 && seq < 2010 });
const lineAt = (cache: PageCache, seq: number): unknown[] =>
  cache.rows(cache.indexOf(seq), 1).map((row) => [row?.firstSeq, row?.seq]);

test.each([
  ['in order', [0, 1, 2]],
  ['from the end', [2, 1, 0]],
  ['the middle last', [0, 2, 1]],
])('a line that spans pages is one row, with the pages loaded %s', (_, order) => {
  const cache = new PageCache(0, 3000, 3000, false);

  for (const page of order)
    cache.fill(page * 1000, page * 1000 + 1000, someRecords(page * 1000 + 1, page * 1000 + 1000, cut), 3000);

  expect(lineAt(cache, 2010)).toEqual([[990, 2010]]);
  expect(cache.length).toBe(989 + 1 + 990);
});

test('a line continued by the stream moves to the new page', () => {
  const cache = new PageCache(0, 1000, 1000, false);
  cache.fill(
    0,
    1000,
    someRecords(1, 1000, (seq) => ({ partial: seq === 1000 })),
    1000,
  );
  expect(cache.length).toBe(1000);

  cache.append(1000, 1001, [aRecord(1001)]);

  expect(cache.length).toBe(1000);
  expect(lineAt(cache, 1001)).toEqual([[1000, 1001]]);
});

test('a line is placed at its end, even with a page in between', () => {
  const cache = new PageCache(0, 3000, 3000, false);
  const mixed = (seq: number) =>
    seq === 5 ? { stream: 'stderr', partial: true } : seq === 2500 ? { stream: 'stderr' } : {};

  for (const page of [0, 1, 2])
    cache.fill(page * 1000, page * 1000 + 1000, someRecords(page * 1000 + 1, page * 1000 + 1000, mixed), 3000);

  expect(lineAt(cache, 2500)).toEqual([[5, 2500]]);
  expect(cache.length).toBe(2999);
});

test('a line is complete again after its evicted page is reloaded', () => {
  const cache = new PageCache(0, 30_000, 30_000, false);
  const fill = (page: number): void =>
    cache.fill(
      page * 1000,
      page * 1000 + 1000,
      someRecords(page * 1000 + 1, page * 1000 + 1000, (seq) => ({ partial: seq === 1000 })),
      30_000,
    );

  for (let page = 0; page < 26; page++) fill(page);
  expect(cache.isLoaded(1000)).toBe(false);
  fill(0);

  expect(lineAt(cache, 1000)).toEqual([[1000, cache.isLoaded(1001) ? 1001 : 1000]]);
});

const reports = (from: number, upTo: number, changes = {}) =>
  someRecords(from, upTo, () => ({ event: 'progress', ...changes }));

test.each([
  ['in order', [0, 1]],
  ['from the end', [1, 0]],
])('folded progress that spans pages is one row, with the pages loaded %s', (_, order) => {
  const cache = new PageCache(0, 2000, 2000, false);
  cache.hide([], true);
  const records = [...someRecords(1, 700), ...reports(701, 1300), ...someRecords(1301, 2000)];

  for (const page of order)
    cache.fill(page * 1000, page * 1000 + 1000, records.slice(page * 1000, page * 1000 + 1000), 0);

  expect(cache.rows(699, 3).map((row) => [row?.firstSeq, row?.seq, row?.updates])).toEqual([
    [700, 700, 0],
    [701, 1300, 600],
    [1301, 1301, 0],
  ]);
  expect(cache.length).toBe(1401);
});

test('folded progress of the stream stays one row', () => {
  const cache = new PageCache(0, 0, 0, false);
  cache.hide([], true);

  cache.append(0, 700, someRecords(1, 700));
  for (let seq = 701; seq <= 1300; seq += 50) cache.append(seq - 1, seq + 49, reports(seq, seq + 49));

  expect(cache.rows(699, 3).map((row) => [row?.seq, row?.updates])).toEqual([
    [700, 0],
    [1300, 600],
  ]);
});

test('of a log of progress alone, enough pages stay loaded to fill a view', () => {
  const cache = new PageCache(0, 1_000_000, 1_000_000, false);
  cache.hide([], true);
  const fill = ({ after = 0, before }: { after?: number; before: number }): void =>
    cache.fill(after, before - 1, reports(after + 1, before - 1), 0);

  let requests = 0;
  for (let missing = [{}]; missing.length; requests++) {
    const wanted = cache.missing(cache.length - 200, cache.length);
    wanted.forEach(fill);
    missing = wanted;
  }

  expect(cache.rows(cache.length - 200, 200).every((row) => row !== undefined)).toBe(true);
  expect(requests).toBeLessThan(300);
});

test('pages of progress alone are evicted once others fill the view', () => {
  const cache = new PageCache(0, 400_000, 400_000, false);
  cache.hide([], true);
  const record = (seq: number) => (seq <= 200_000 ? { event: 'progress' as const } : {});

  for (let after = 0; after < 230_000; after += 1000)
    cache.fill(after, after + 1000, someRecords(after + 1, after + 1000, record), 0);

  const loaded = Array.from({ length: 400 }, (_, page) => page * 1000 + 1).filter((seq) => cache.isLoaded(seq));
  expect(loaded.length).toBeLessThan(30);
});
