import { expect, test } from 'vitest';
import { findFirstError } from './first_error';
import { aLogService, aRun, aRunStep, anAttempt, someRecords } from './testing';

const LOG = someRecords(1, 40, (seq) => ({
  step: seq <= 20 ? 'fetch' : 'test',
  level: [5, 25, 35].includes(seq) ? 'error' : 'info',
}));
const fetch = aRunStep({ name: 'fetch', status: 'completed', firstSeq: 1, lastSeq: 20 });
const failed = aRunStep({ name: 'test', status: 'failed', firstSeq: 21, lastSeq: 40 });
const attempts = [anAttempt({ firstSeq: 21 }), anAttempt({ number: 2, firstSeq: 31 })];

test.each([
  ['no error', aRun({ steps: [fetch, failed] }), null, 0],
  ['the first error is the failed step’s', aRun({ steps: [fetch, failed], firstErrorSeq: 25 }), 25, 0],
  ['an earlier step had an error, too', aRun({ steps: [fetch, failed], firstErrorSeq: 5 }), 25, 1],
  ['so had an earlier attempt', aRun({ steps: [fetch, { ...failed, attempts }], firstErrorSeq: 25 }), 35, 1],
  ['no step failed', aRun({ steps: [fetch], firstErrorSeq: 5 }), 5, 0],
])('the first error of a run that failed: %s', async (_, run, seq, requested) => {
  const { read, requests } = aLogService(LOG);

  expect(await findFirstError(run, read, new AbortController().signal)).toBe(seq);

  expect(requests).toHaveLength(requested);
});
