/** The lines around a match, shown on request while the log shows only matches. */
import { type Row, toRows } from './rows';
import type { ReadLog } from './log_query';

/** On each side of the match. */
const LINES = 2;
/** Enough for these lines unless many parts make up one. */
const RECORDS = 20;

export interface Context {
  /** The `firstSeq` of the match. */
  readonly match: number;
  readonly rows: readonly Row[];
}

export async function readContext({ firstSeq, seq }: Row, read: ReadLog, signal: AbortSignal): Promise<Context> {
  const [before, after] = await Promise.all([
    read({ before: firstSeq, limit: RECORDS }, signal),
    read({ after: seq, limit: RECORDS }, signal),
  ]);
  const rows = [...toRows(before.records).slice(-LINES), ...toRows(after.records).slice(0, LINES)];
  return { match: firstSeq, rows: rows.map((row) => ({ ...row, isContext: true })) };
}

/** Whether this row is the match of a context, or one of its lines. */
export const belongsTo = (row: Row, { match, rows }: Context): boolean =>
  row.isContext ? rows.some(({ seq }) => seq === row.seq) : row.firstSeq === match;

/** Adds lines of context to the rows of a page. A line that is a match itself, or near two of them, is shown once. */
export function withContext(rows: readonly Row[], context: readonly Row[]): Row[] {
  const seqs = new Set(rows.flatMap(({ records }) => records.map(({ seq }) => seq)));
  const added = new Map<number, Row>();
  for (const row of context) if (!row.records.some(({ seq }) => seqs.has(seq))) added.set(row.seq, row);
  return [...rows, ...added.values()].sort((a, b) => a.seq - b.seq);
}
