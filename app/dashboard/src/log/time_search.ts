/** Finds the place of a time in a log. */
import type { LogPage, Run } from '../api/mapping';
import type { LineRange } from './filters';
import type { LogQuery } from './log_query';

type Read = (query: LogQuery) => Promise<LogPage>;

/** The seq of the first record at this time or later, or of the last record. */
export async function findSeqAt(run: Run, time: number, read: Read): Promise<number> {
  let { from, upTo } = boundsOf(run, time);
  while (from < upTo) {
    const middle = Math.floor((from + upTo) / 2);
    const [record] = (await read({ after: middle - 1, limit: 1 })).records;
    if (!record || Date.parse(record.time) >= time) upTo = middle;
    else from = Math.max(middle, record.seq) + 1;
  }
  return Math.min(from, run.lastSeq);
}

/** The steps that began before and after this time narrow the search. */
function boundsOf({ steps, lastSeq }: Run, time: number): LineRange {
  const begun = steps.filter(({ firstSeq, startedAt }) => firstSeq !== null && startedAt !== null);
  const before = begun.filter(({ startedAt }) => startedAt! <= time).map(({ firstSeq }) => firstSeq!);
  const after = begun.filter(({ startedAt }) => startedAt! > time).map(({ firstSeq }) => firstSeq!);
  return { from: Math.max(1, ...before), upTo: Math.max(1, Math.min(lastSeq, ...after)) };
}
