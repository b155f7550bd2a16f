/** Reads the text of a range of lines. Does no more than a clipboard can take. */
import type { LogRecord } from '../api/mapping';
import { stripEscapes } from './ansi';
import type { LineRange } from './filters';
import { jsonOf } from './json_row';
import type { ReadLog } from './log_query';
import { type Hidden, type Row, rowText, toRows } from './rows';

export const MAX_COPIED = 20_000;
const PAGE = 1000;

/** A range of which the first `start` characters are left out, and the last line has only `end`. */
export interface Selected extends LineRange {
  readonly start: number;
  readonly end: number;
}

export interface CopiedRows {
  readonly rows: readonly Row[];
  /** Whether records of the range are missing, because it has more than `MAX_COPIED`. */
  readonly isCut: boolean;
}

export async function readRows(
  read: ReadLog,
  range: LineRange,
  signal: AbortSignal,
  hidden?: Hidden,
): Promise<CopiedRows> {
  const records: LogRecord[] = [];
  let after = range.from - 1;
  let isEnd = false;
  while (!isEnd && after < range.upTo && records.length < MAX_COPIED) {
    const limit = Math.min(PAGE, MAX_COPIED - records.length);
    const page = await read({ after, before: range.upTo + 1, limit }, signal);
    records.push(...page.records);
    isEnd = page.records.length < limit;
    after = page.records[page.records.length - 1]?.seq ?? range.upTo;
  }
  return { rows: toRows(records, hidden), isCut: !isEnd && after < range.upTo };
}

/**
 * The text of the rows, without the first `start` characters, and with only `end` of the last row. A row that shows its
 * JSON in another form is copied whole.
 */
export function toText(rows: readonly Row[], start = 0, end = Infinity, isRaw = true): string {
  const lines = rows.map((row) => stripEscapes(rowText(row)));
  const isWhole = (row: Row | undefined): boolean => !isRaw && row !== undefined && jsonOf(row) !== null;
  if (lines.length) lines.push(lines.pop()!.slice(0, end > 0 && isWhole(rows[rows.length - 1]) ? Infinity : end));
  return lines.join('\n').slice(start < Infinity && isWhole(rows[0]) ? 0 : start);
}
