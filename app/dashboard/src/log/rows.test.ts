import { expect, test } from 'vitest';
import { groupOpenedBy, rowText, toRows } from './rows';
import { aRecord } from './testing';

test('a line split into records is one row, numbered by its end', () => {
  const rows = toRows([
    aRecord(1, { message: 'a', partial: true }),
    aRecord(2, { message: 'b', partial: true }),
    aRecord(3, { message: 'c' }),
  ]);

  expect(rows.map((row) => [row.firstSeq, row.seq, rowText(row)])).toEqual([[1, 3, 'abc']]);
});

test('parts are joined by step and stream, across other records', () => {
  const rows = toRows([
    aRecord(1, { message: '10%', partial: true, stream: 'stderr' }),
    aRecord(2),
    aRecord(3, { message: '\r20%', stream: 'stderr' }),
  ]);

  expect(rows.map(rowText)).toEqual(['line 2', '20%']);
});

test('a new line starts after a complete one', () => {
  const rows = toRows([aRecord(1, { partial: true }), aRecord(2), aRecord(3)]);

  expect(rows.map((row) => row.seq)).toEqual([2, 3]);
});

const progress = (seq: number, step = 'a'): ReturnType<typeof aRecord> =>
  aRecord(seq, { event: 'progress', step, message: `${seq}/9` });

test('consecutive progress reports form one row with their count', () => {
  const rows = toRows([progress(1), progress(2), progress(3), aRecord(4), progress(5), progress(6, 'b')]);

  expect(rows.map((row) => [rowText(row), row.firstSeq, row.seq, row.updates])).toEqual([
    ['3/9', 1, 3, 3],
    ['line 4', 4, 4, 0],
    ['5/9', 5, 5, 1],
    ['6/9', 6, 6, 1],
  ]);
});

const FOLDED = { folds: [], progress: true };

test('folded progress is one row per step, at its last report', () => {
  const records = [progress(1), progress(2, 'b'), aRecord(3), progress(4), progress(5), aRecord(6)];

  const rows = toRows(records, FOLDED);

  expect(rows.map((row) => [rowText(row), row.firstSeq, row.updates, row.isFolded])).toEqual([
    ['2/9', 2, 1, false],
    ['line 3', 3, 0, false],
    ['5/9', 5, 3, true],
    ['line 6', 6, 0, false],
  ]);
});

test('folded progress without lines in between is not marked as folded', () => {
  const [row] = toRows([progress(1), progress(2)], FOLDED);

  expect([row?.firstSeq, row?.updates, row?.isFolded]).toEqual([1, 2, false]);
});

test.each([true, false])('a page of progress alone has rows enough to fill a view, folded: %j', (isFolded) => {
  const records = Array.from({ length: 1000 }, (_, i) => progress(i + 1));

  expect(toRows(records, { folds: [], progress: isFolded })).toHaveLength(10);
});

test.each([
  [['10%\r20%', '\r30%'], '30%'],
  [['10%\r', '20%'], '20%'],
  [['10%\r', '\r'], '10%'],
  [['done', ' indeed'], 'done indeed'],
])('%j is shown as %j', (messages, text) => {
  const rows = toRows(messages.map((message, i) => aRecord(i + 1, { message, partial: i + 1 < messages.length })));

  expect(rows.map(rowText)).toEqual([text]);
});

test('a folded group shows only its first row', () => {
  const opened = aRecord(1, { event: 'group', data: { name: 'setup', open: true } });
  const closed = aRecord(4, { event: 'group', data: { name: 'setup', open: false } });

  const rows = toRows([opened, aRecord(2), aRecord(3), closed, aRecord(5)], {
    folds: [{ from: 2, upTo: 3 }],
    progress: false,
  });

  expect(rows.map((row) => [row.seq, groupOpenedBy(row)])).toEqual([
    [1, 'setup'],
    [5, null],
  ]);
});

test('an endless line is cut', () => {
  const rows = toRows(
    Array.from({ length: 900 }, (_, i) => aRecord(i + 1, { message: 'x'.repeat(16384), partial: true })),
  );

  expect(rowText(rows[0]!).length).toBe(65536);
});
