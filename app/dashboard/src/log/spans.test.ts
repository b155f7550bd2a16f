import { expect, test } from 'vitest';
import { SpanTable } from './spans';
import { aRecord, someRecords } from './testing';

test('a million lines are known by their number before any is read', () => {
  const table = new SpanTable(0, 1_000_000, 1_000_000, false);

  expect(table.length).toBe(1_000_000);
  expect(table.rows(999_999, 5)).toEqual([undefined]);
  expect(table.seqAt(499_999)).toBe(500_000);
  expect(table.indexOf(500_000)).toBe(499_999);
});

test('the page in sight is asked for, and its neighbour when the sight reaches into it', () => {
  const table = new SpanTable(0, 10_000, 10_000, false);

  expect(table.missing(4_100, 4_150)).toEqual([{ after: 4000, before: 5001 }]);
  expect(table.missing(4_980, 5_030)).toEqual([{ after: 4000, before: 5001 }, { after: 5000, before: 6001 }]);
});

test('a page that came is not asked for again, and its rows are at their place', () => {
  const table = new SpanTable(0, 10_000, 10_000, false);

  table.fill(4000, 5000, someRecords(4001, 5000), 10_000);

  expect(table.missing(4_100, 4_150)).toEqual([]);
  expect(table.rows(4_100, 2).map((row) => row?.seq)).toEqual([4101, 4102]);
  expect(table.length).toBe(10_000);
  expect(table.indexOf(4101)).toBe(4100);
});

test('a page whose lines join makes the log shorter by as many rows', () => {
  const table = new SpanTable(0, 3000, 3000, false);

  table.fill(1000, 2000, someRecords(1001, 2000, (seq) => ({ partial: seq < 2000 })), 3000);

  expect(table.length).toBe(2001);
  expect(table.seqAt(1000)).toBe(2000);
  expect(table.indexOf(2001)).toBe(1001);
});

test('an answer to a question that nobody asks any more is left', () => {
  const table = new SpanTable(0, 2000, 2000, false);
  table.fill(0, 1000, someRecords(1, 1000), 2000);

  table.fill(500, 1500, someRecords(501, 1500), 2000);

  expect(table.missing(0, 2000)).toEqual([{ after: 1000, before: 2001 }]);
});

test('the stream adds to the end', () => {
  const table = new SpanTable(0, 10, 10, false);
  table.fill(0, 10, someRecords(1, 10), 10);

  table.append(8, 12, someRecords(9, 12));

  expect(table.rows(0, 20).map((row) => row?.seq)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
});

test('what the stream left out is read later', () => {
  const table = new SpanTable(0, 10, 10, false);
  table.fill(0, 10, someRecords(1, 10), 10);

  table.append(20, 22, someRecords(21, 22));

  expect(table.length).toBe(22);
  expect(table.missing(8, 14)).toEqual([{ after: 10, before: 21 }]);
});

test('a long stream keeps a bounded number of pages', () => {
  const table = new SpanTable(0, 0, 0, false);

  for (let i = 0; i < 100; i++) table.append(i * 500, (i + 1) * 500, someRecords(i * 500 + 1, (i + 1) * 500));

  expect(table.length).toBe(50_000);
  expect(table.rows(0, 50_000).filter(Boolean).length).toBeLessThanOrEqual(25_000);
  expect(table.rows(49_999, 1)[0]?.seq).toBe(50_000);
});

test('few errors among a million lines come in one page', () => {
  const table = new SpanTable(0, 1_000_000, 3, true);

  expect(table.missing(0, 3)).toEqual([{ after: 0, before: 1_000_001 }]);

  table.fill(0, 1_000_000, [aRecord(5), aRecord(500_000), aRecord(999_999)], 3);

  expect(table.rows(0, 10).map((row) => row?.seq)).toEqual([5, 500_000, 999_999]);
});

test('the end of a long filtered log is read backwards, its middle from where it should be', () => {
  const table = new SpanTable(0, 1_000_000, 100_000, true);

  expect(table.missing(99_950, 100_000)).toEqual([{ before: 1_000_001 }]);
  expect(table.missing(50_000, 50_050)).toEqual([{ after: 497_500, before: 1_000_001 }]);
});

test('what is folded has no rows, loaded or not', () => {
  const table = new SpanTable(0, 3000, 3000, false);
  table.fill(0, 1000, someRecords(1, 1000), 3000);

  table.fold([{ from: 11, upTo: 2010 }]);

  expect(table.length).toBe(1000);
  expect(table.rows(9, 2).map((row) => row?.seq)).toEqual([10, undefined]);
});
