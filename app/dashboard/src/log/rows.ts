/**
 * Records as the rows that a reader sees: continued lines joined, progress told again and again kept as one row, what
 * is folded left out. Works on one page of records at a time, and hands what is unfinished on to the next.
 */
import type { Level, LogRecord } from '../api/mapping';
import { lastOverwrite } from './ansi';

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

/** What a reader does not want to see: folded groups, and progress if they say so. */
export interface Hidden {
  readonly folds: readonly Fold[];
  readonly progress: boolean;
}
const NOTHING_HIDDEN: Hidden = { folds: [], progress: false };

export const isFolded = (seq: number, folds: readonly Fold[]): boolean =>
  folds.some((fold) => fold.from <= seq && seq <= fold.upTo);

/** Lines that wait for their rest, by step and stream. */
export type Unfinished = ReadonlyMap<string, Row>;

export interface Page {
  readonly rows: Row[];
  readonly unfinished: Unfinished;
  /** Rows of earlier pages that go on in this one: there they are to be taken out. */
  readonly continued: ReadonlySet<Row>;
}

export const toRows = (records: readonly LogRecord[], hidden: Hidden = NOTHING_HIDDEN): Row[] => toPage(records, hidden).rows;

export function toPage(records: readonly LogRecord[], { folds, progress }: Hidden, before: Unfinished = new Map()): Page {
  const rows: (Row | null)[] = [];
  const unfinished = new Map(before);
  const places = new Map<Row, number>();
  const continued = new Set<Row>();
  for (const record of records) {
    if (closesGroup(record) || (progress && record.event === 'progress') || (folds.length && isFolded(record.seq, folds))) continue;
    const previous = rows[rows.length - 1];
    if (previous && repeats(record, previous)) {
      rows[rows.length - 1] = { seq: record.seq, firstSeq: previous.firstSeq, records: [...previous.records, record] };
      continue;
    }
    const key = record.event ? null : `${record.step} ${record.stream}`;
    const earlier = key === null ? undefined : unfinished.get(key);
    const place = earlier && places.get(earlier);
    if (place !== undefined) rows[place] = null;
    else if (earlier) continued.add(earlier);
    const row = { seq: record.seq, firstSeq: earlier?.firstSeq ?? record.seq, records: joined(earlier?.records, record) };
    places.set(row, rows.push(row) - 1);
    if (key === null) continue;
    if (record.partial) unfinished.set(key, row);
    else unfinished.delete(key);
  }
  return { rows: rows.filter((row) => row !== null), unfinished, continued };
}

/** Progress of a step right after its progress: only the last of them is news. */
function repeats(record: LogRecord, { records }: Row): boolean {
  return record.event === 'progress' && records[0]?.event === 'progress' && records[0].step === record.step;
}

/** Nobody reads more of a line than is shown of it, and a line may have no end. */
function joined(earlier: readonly LogRecord[] = [], record: LogRecord): LogRecord[] {
  return earlier.length < MAX_PARTS ? [...earlier, record] : [...earlier.slice(0, -1), record];
}

/** How many reports of progress a row stands for; 0 for any other row. */
export const progressCount = (row: Row): number => (row.records[0]?.event === 'progress' ? row.records.length : 0);

/** A longer line is cut: nobody reads it here, and the download has it. */
const MAX_LINE = 64 * 1024;
/** Of a line that was cut: a screen of carriage returns and pauses has many small ones. */
const MAX_PARTS = 2000;

const last = (row: Row): LogRecord => row.records[row.records.length - 1]!;

/** The line with its escape sequences, as a terminal would show it in the end. */
export function rowText(row: Row): string {
  if (progressCount(row)) return last(row).message;
  let line = '';
  for (const { message } of row.records) {
    line = message.includes('\r') || line.endsWith('\r') ? lastOverwrite(line + message) + trailingReturn(message) : line + message;
    if (line.length > MAX_LINE) return line.slice(0, MAX_LINE);
  }
  return lastOverwrite(line);
}

const trailingReturn = (message: string): string => (message.endsWith('\r') ? '\r' : '');
export const rowLevel = (row: Row): Level => last(row).level;
export const rowRecord = (row: Row): LogRecord => last(row);

/** The group that a row opens, or null. */
export function groupOpenedBy(row: Row): string | null {
  const { event, data } = last(row);
  return event === 'group' && data?.['open'] === true ? String(data['name'] ?? '') : null;
}

export const closesGroup = (record: LogRecord): boolean => record.event === 'group' && record.data?.['open'] === false;
