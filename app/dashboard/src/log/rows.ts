/**
 * Turns records into rows: joins split lines, merges progress reports, and skips folded records. Works on one page of
 * records at a time and passes unfinished lines on to the next.
 */
import type { Level, LogRecord } from '../api/mapping';
import { TerminalLine, isRedrawn } from './terminal_line';

export interface Row {
  /** The seq of the last record, which the row's number and link use. */
  readonly seq: number;
  readonly firstSeq: number;
  readonly records: readonly LogRecord[];
  /** Number of progress reports merged into the row; 0 for other rows. The row has only the last one's record. */
  readonly updates: number;
  /** Whether other lines stand between them. */
  readonly isFolded: boolean;
  /** Whether it matches nothing, and is shown beside a match. */
  readonly isContext?: boolean;
}

/** Seqs hidden in a folded group; both bounds are inclusive. */
export interface Fold {
  readonly from: number;
  readonly upTo: number;
}

/** Hidden records: folded groups and, if `progress` is set, progress reports that later ones of their step replace. */
export interface Hidden {
  readonly folds: readonly Fold[];
  readonly progress: boolean;
}
const NOTHING_HIDDEN: Hidden = { folds: [], progress: false };

/** How many records of a range are folded. */
export const countFolded = ({ after, upTo }: { after: number; upTo: number }, folds: readonly Fold[]): number =>
  folds.reduce((sum, fold) => sum + Math.max(0, Math.min(fold.upTo, upTo) - Math.max(fold.from, after + 1) + 1), 0);

export const isFolded = (seq: number, folds: readonly Fold[]): boolean =>
  folds.some((fold) => fold.from <= seq && seq <= fold.upTo);

/** Incomplete lines, by step and stream. */
export type Unfinished = ReadonlyMap<string, Row>;

export interface Page {
  readonly rows: Row[];
  readonly unfinished: Unfinished;
  /** Rows of earlier pages that continue in this one, and must be removed there. */
  readonly continued: ReadonlySet<Row>;
}

export const toRows = (records: readonly LogRecord[], hidden: Hidden = NOTHING_HIDDEN): Row[] =>
  toPage(records, hidden).rows;

export function toPage(
  records: readonly LogRecord[],
  { folds, progress }: Hidden,
  before: Unfinished = new Map(),
): Page {
  const rows: (Row | null)[] = [];
  const unfinished = new Map(before);
  const places = new Map<Row, number>();
  const continued = new Set<Row>();
  const latest = new Map<string | null, Row>();
  for (const record of records) {
    if (closesGroup(record) || (folds.length && isFolded(record.seq, folds))) continue;
    if (record.event === 'progress') {
      const previous = (progress && latest.get(record.step)) || rows[rows.length - 1];
      const row = progressRow(record, previous, previous === rows[rows.length - 1]);
      if (previous && row.updates > 1) rows[places.get(previous)!] = null;
      places.set(row, rows.push(row) - 1);
      latest.set(record.step, row);
      continue;
    }
    const key = record.event ? null : `${record.step} ${record.stream}`;
    const earlier = key === null ? undefined : unfinished.get(key);
    const place = earlier && places.get(earlier);
    if (place !== undefined) rows[place] = null;
    else if (earlier) continued.add(earlier);
    const row: Row = {
      seq: record.seq,
      firstSeq: earlier?.firstSeq ?? record.seq,
      records: joined(earlier?.records, record),
      updates: 0,
      isFolded: false,
    };
    places.set(row, rows.push(row) - 1);
    if (key === null) continue;
    if (record.partial) unfinished.set(key, row);
    else unfinished.delete(key);
  }
  return { rows: rows.filter((row) => row !== null), unfinished, continued };
}

/** The row of a progress report. It replaces the previous row if that is the same step's, and has not replaced many. */
function progressRow(record: LogRecord, previous: Row | null | undefined, isNext: boolean): Row {
  const { seq, step } = record;
  const alone = { seq, firstSeq: seq, records: [record], updates: 1, isFolded: false };
  if (!previous?.updates || previous.updates >= MAX_UPDATES || previous.records[0]?.step !== step) return alone;
  const isFolded = previous.isFolded || !isNext;
  return { ...alone, firstSeq: isFolded ? seq : previous.firstSeq, updates: previous.updates + 1, isFolded };
}

/** Bounded, because a line may never end. */
function joined(earlier: readonly LogRecord[] = [], record: LogRecord): LogRecord[] {
  return earlier.length < MAX_PARTS ? [...earlier, record] : [...earlier.slice(0, -1), record];
}

/** Enough rows remain of a page that has only progress reports to fill the view with a few pages. */
const MAX_UPDATES = 100;
/** Longer lines are cut. The download contains all of them. */
const MAX_LINE = 64 * 1024;
/** Maximum number of parts per line. Progress bars drawn with carriage returns have many small ones. */
const MAX_PARTS = 2000;

const last = (row: Row): LogRecord => row.records[row.records.length - 1]!;

/** The line as a terminal would finally show it, including colours and links. */
export function rowText(row: Row): string {
  if (row.updates) return last(row).message;
  let whole = '';
  for (const { message } of row.records) {
    whole += message;
    if (whole.length > MAX_LINE) break;
  }
  if (!isRedrawn(whole)) return whole.slice(0, MAX_LINE);
  const line = new TerminalLine();
  for (const { message } of row.records) {
    line.write(message);
    if (line.length > MAX_LINE) break;
  }
  return line.text;
}

export const rowLevel = (row: Row): Level => last(row).level;
export const rowRecord = (row: Row): LogRecord => last(row);

/** The name of the group that a row opens, or null. */
export function groupOpenedBy(row: Row): string | null {
  const { event, data } = last(row);
  if (event !== 'group' || data?.['open'] !== true) return null;
  return typeof data['name'] === 'string' ? data['name'] : '';
}

export const closesGroup = (record: LogRecord): boolean => record.event === 'group' && record.data?.['open'] === false;
