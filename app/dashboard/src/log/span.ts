/** A part of a log, of which the rows are loaded or only estimated. */
import type { LogRecord } from '../api/mapping';
import type { Row, Unfinished } from './rows';

export const NONE: Unfinished = new Map();

/** The seqs from `after` (exclusive) to `upTo` (inclusive). */
export interface Span {
  after: number;
  upTo: number;
  records: LogRecord[] | null;
  rows: Row[];
  /** Rows that started here or earlier and may continue in the next span. */
  unfinished: Unfinished;
  /** Number of rows; an estimate while `records` is null. */
  count: number;
  usedAt: number;
}

export const unloaded = (after: number, upTo: number, count: number): Span => ({
  after,
  upTo,
  records: null,
  rows: [],
  unfinished: NONE,
  count,
  usedAt: 0,
});

/** The seq of a row that is not loaded. */
export function guess(span: Span, index: number): number {
  const share = span.count ? Math.min(1, Math.max(0, index / span.count)) : 0;
  return Math.min(span.upTo, span.after + 1 + Math.floor(share * (span.upTo - span.after)));
}
