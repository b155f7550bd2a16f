import { expect, test } from 'vitest';
import type { LogPage } from '../api/mapping';
import type { LogQuery } from './log_query';
import { aRecord, aRun, aRunStep } from './testing';
import { findSeqAt } from './time_search';

const COUNT = 1000;
/** Record `n` was written at second `n`, but the second step begins after a pause, with record 501 at second 2001. */
const secondOf = (seq: number): number => (seq <= 500 ? seq : seq + 1500);
const RUN = aRun({
  lastSeq: COUNT,
  steps: [
    aRunStep({ name: 'a', startedAt: 1_000, firstSeq: 1, lastSeq: 500 }),
    aRunStep({ name: 'b', startedAt: 2_001_000, firstSeq: 501, lastSeq: COUNT }),
  ],
});

function reader(): { read: (query: LogQuery) => Promise<LogPage>; count: () => number } {
  let reads = 0;
  const read = ({ after = 0 }: LogQuery): Promise<LogPage> => {
    reads++;
    const records =
      after < COUNT ? [aRecord(after + 1, { time: new Date(secondOf(after + 1) * 1000).toISOString() })] : [];
    return Promise.resolve({ records, totalMatches: 0, moreBefore: false, moreAfter: false, next: null, context: [] });
  };
  return { read, count: () => reads };
}

test.each([
  ['before the log', -5, 1],
  ['at a record', 77, 77],
  ['between two records', 76.5, 77],
  ['in the pause between the steps', 1500, 501],
  ['at the start of a step', 2001, 501],
  ['in the second step', 2100, 600],
  ['after the log', 9999, COUNT],
])('a time %s leads to the next record', async (_, second, seq) => {
  const { read, count } = reader();

  expect(await findSeqAt(RUN, second * 1000, read)).toBe(seq);
  expect(count()).toBeLessThanOrEqual(10);
});

test('an empty log has no place to go to', async () => {
  expect(await findSeqAt(aRun({ lastSeq: 0, steps: [] }), 5, reader().read)).toBe(0);
});
