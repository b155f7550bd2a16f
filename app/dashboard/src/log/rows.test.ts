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

const FOLDED = { folds: [], progress: true };

test('each progress report is a row', () => {
  expect(toRows([progress(1), progress(2), aRecord(3)]).map((row) => [rowText(row), row.updates])).toEqual([
    ['1/9', 1],
    ['2/9', 1],
    ['line 3', 0],
  ]);
});

test('folded progress is one row per step, at its last report', () => {
  const records = [progress(1), progress(2, 'b'), aRecord(3), progress(4), progress(5), aRecord(6)];

  const rows = toRows(records, FOLDED);

  expect(rows.map((row) => [rowText(row), row.firstSeq, row.updates])).toEqual([
    ['2/9', 2, 1],
    ['line 3', 3, 0],
    ['5/9', 4, 3],
    ['line 6', 6, 0],
  ]);
});

test('600 progress reports are one folded row', () => {
  const rows = toRows(
    Array.from({ length: 600 }, (_, i) => progress(i + 1)),
    FOLDED,
  );

  expect(rows.map((row) => [rowText(row), row.firstSeq, row.updates])).toEqual([['600/9', 1, 600]]);
});

test('each attempt of a step has folded progress of its own', () => {
  const records = [progress(1), progress(2), aRecord(3, { event: 'step', step: 'a' }), progress(4), progress(5)];

  expect(toRows(records, FOLDED).map((row) => [row.seq, row.updates])).toEqual([
    [2, 2],
    [3, 0],
    [5, 2],
  ]);
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
