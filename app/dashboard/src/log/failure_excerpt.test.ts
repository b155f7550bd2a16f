import { expect, test } from 'vitest';
import { failureExcerpt } from './failure_excerpt';
import { aRecord, someRecords } from './testing';

const seqs = (records: readonly { seq: number }[]): number[] => records.map((record) => record.seq);
const error = { level: 'error' } as const;

test('a traceback takes precedence over an earlier warning, even if Solorun wrote it', () => {
  const traceback = someRecords(11, 19, () => ({ ...error, stream: 'solorun' }));
  const all = [
    aRecord(10, { level: 'warning' }),
    ...traceback,
    aRecord(20, { ...error, event: 'step', message: 'translate failed' }),
  ];

  expect(seqs(failureExcerpt([...traceback, all[10]!], all))).toEqual([14, 15, 16, 17, 18, 19]);
});

test('without errors, the excerpt is the last lines', () => {
  expect(seqs(failureExcerpt([], [...someRecords(1, 9), aRecord(10, { message: ' ' })]))).toEqual([5, 6, 7, 8, 9]);
});

test('a single error is shown with the last lines, in order', () => {
  const all = [aRecord(3, error), ...someRecords(4, 40)];

  expect(seqs(failureExcerpt([all[0]!], all))).toEqual([3, 37, 38, 39, 40]);
});
