/**
 * Turns records into rows: joins split lines, folds progress reports, and skips folded records. Works on one page of
 * records at a time and passes unfinished rows on to the next.
 */
import type { Level, LogRecord } from '../api/mapping';
import { TerminalLine, isRedrawn } from './terminal_line';

export interface Row {
  /** The seq of the last record, which the row's number and link use. */
  readonly seq: number;
  readonly firstSeq: number;
  readonly records: readonly LogRecord[];
  /** Number of progress reports that the row stands for; 0 for other rows. It has only the last one's record. */
  readonly updates: number;
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

/** Rows that later records may continue: incomplete lines by step and stream, and folded progress by step. */
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
  const unfinished = new Map(reaching(records[0], before));
  const places = new Map<Row, number>();
  const continued = new Set<Row>();
  for (const record of records) {
    if (closesGroup(record) || (folds.length && isFolded(record.seq, folds))) continue;
    // An attempt of a step begins or ends.
    if (record.event === 'step') unfinished.delete(progressOf(record));
    const key = keyOf(record, progress);
    const earlier = key === null ? undefined : unfinished.get(key);
    const place = earlier && places.get(earlier);
    if (place !== undefined) rows[place] = null;
    else if (earlier) continued.add(earlier);
    const row = record.event === 'progress' ? progressRow(record, earlier) : lineRow(record, earlier);
    places.set(row, rows.push(row) - 1);
    if (key === null) continue;
    if (record.event || record.partial) unfinished.set(key, row);
    else unfinished.delete(key);
  }
  const shown = rows.filter((row) => row !== null);
  // Only a stretch of progress at the end of a page goes on, and not beyond the next page: a log may have nothing else.
  for (const [key, row] of unfinished)
    if (row.updates && (shown.length < 2 || row !== shown[shown.length - 1])) unfinished.delete(key);
  return { rows: shown, unfinished, continued };
}

/** What a page that starts with this record may continue: of progress, only a stretch that goes on at once. */
export const reaching = (first: LogRecord | undefined, unfinished: Unfinished): [string, Row][] =>
  [...unfinished].filter(
    ([key, row]) =>
      !row.updates || (first?.event === 'progress' && key === progressOf(first) && row.seq === first.seq - 1),
  );

/** Names what the record continues, or may be continued by. Null if it is a row of its own. */
function keyOf(record: LogRecord, foldsProgress: boolean): string | null {
  if (record.event === 'progress') return foldsProgress ? progressOf(record) : null;
  return record.event ? null : `${record.step} ${record.stream}`;
}

const progressOf = ({ step }: LogRecord): string => `${step} progress`;

const lineRow = (record: LogRecord, earlier?: Row): Row => ({
  seq: record.seq,
  firstSeq: earlier?.firstSeq ?? record.seq,
  records: joined(earlier?.records, record),
  updates: 0,
});

/** Starts at the first report after the last other record. */
const progressRow = (record: LogRecord, earlier?: Row): Row => ({
  seq: record.seq,
  firstSeq: earlier?.seq === record.seq - 1 ? earlier.firstSeq : record.seq,
  records: [record],
  updates: (earlier?.updates ?? 0) + 1,
});

/** Bounded, because a line may never end. */
function joined(earlier: readonly LogRecord[] = [], record: LogRecord): LogRecord[] {
  return earlier.length < MAX_PARTS ? [...earlier, record] : [...earlier.slice(0, -1), record];
}

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
