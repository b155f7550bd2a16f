/**
 * Records as the rows that a reader sees: continued lines joined, progress of a step kept as one row, folded groups
 * left out. Works on one page of records at a time: a line that crosses a page's edge shows as two rows.
 */
import type { Level, LogRecord } from '../api/mapping';
import { lastRewriting } from './sgr';

export interface Row {
  /** Of its last record: what the row is numbered and linked by. */
  readonly seq: number;
  readonly firstSeq: number;
  readonly records: readonly LogRecord[];
}

/** Seqs that are left out because their group is folded; both bounds inclusive. */
export interface Fold {
  readonly from: number;
  readonly upTo: number;
}

export const isFolded = (seq: number, folds: readonly Fold[]): boolean =>
  folds.some((fold) => fold.from <= seq && seq <= fold.upTo);

export function toRows(records: readonly LogRecord[], folds: readonly Fold[]): Row[] {
  const rows: ({ seq: number; firstSeq: number; records: LogRecord[] } | null)[] = [];
  const unfinished = new Map<string, number>();
  for (const record of records) {
    if (closesGroup(record) || (folds.length && isFolded(record.seq, folds))) continue;
    const key = record.event === 'progress' ? `${record.step} progress` : record.event ? '' : `${record.step} ${record.stream}`;
    const at = key ? unfinished.get(key) : undefined;
    const earlier = at === undefined ? null : (rows[at] ?? null);
    if (at !== undefined) rows[at] = null;
    const said = record.event === 'progress' ? [] : (earlier?.records ?? []);
    said.push(record);
    rows.push({ seq: record.seq, firstSeq: earlier?.firstSeq ?? record.seq, records: said });
    if (record.partial || record.event === 'progress') unfinished.set(key, rows.length - 1);
    else if (key) unfinished.delete(key);
  }
  return rows.filter((row) => row !== null);
}

/** A longer line is cut: nobody reads it here, and the download has it. */
const MAX_LINE = 64 * 1024;

const last = (row: Row): LogRecord => row.records[row.records.length - 1]!;

/** The line with its escape sequences, as a terminal would show it in the end. */
export function rowText(row: Row): string {
  let line = '';
  for (const { message } of row.records) {
    line = message.includes('\r') || line.endsWith('\r') ? lastRewriting(line + message) + trailingReturn(message) : line + message;
    if (line.length > MAX_LINE) return line.slice(0, MAX_LINE);
  }
  return lastRewriting(line);
}

const trailingReturn = (message: string): string => (message.endsWith('\r') ? '\r' : '');
export const rowLevel = (row: Row): Level => last(row).level;
export const rowRecord = (row: Row): LogRecord => last(row);

/** The group that a row opens, or null. */
export function opensGroup(row: Row): string | null {
  const { event, data } = last(row);
  return event === 'group' && data?.['open'] === true ? String(data['name'] ?? '') : null;
}

export const closesGroup = (record: LogRecord): boolean => record.event === 'group' && record.data?.['open'] === false;
