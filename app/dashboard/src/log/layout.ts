/** Draws the rows around an anchor, and says where they are: rows of one height, or wrapped ones, which are measured. */
import { isFiltered } from './filters';
import type { LogModel } from './log_model';
import type { Sight } from './log_view_events';
import type { RowList } from './row_list';
import { type Row, rowRecord } from './rows';
import { type Anchor, ROW_HEIGHT, clampAnchor } from './scrolling';

export interface Layout {
  /** The first drawn row. */
  readonly first: number;
  /** Row `first + i` starts at `tops[i]`, in pixels below the top of the pane; the last entry is the end of the last row. */
  readonly tops: readonly number[];
  /** The first row in view. */
  readonly anchor: Anchor;
}

export interface Space {
  readonly anchor: Anchor;
  /** The number of rows in the log. */
  readonly total: number;
  /** Of the pane. */
  readonly height: number;
  readonly draw: (first: number, count: number) => void;
}

/** Of the rows drawn, if it differs much from what is known, or if these are all rows. */
export function averageHeight({ tops }: Layout, total: number, known: number): number {
  const count = tops.length - 1;
  const average = count ? (tops[count]! - tops[0]!) / count : ROW_HEIGHT;
  return count === total || Math.abs(average / known - 1) > 0.2 ? average : known;
}

export function layFixed(list: RowList, { anchor: wanted, total, height, draw }: Space): Layout {
  const anchor = clampAnchor(wanted, total, height);
  const count = Math.min(Math.ceil(height / ROW_HEIGHT) + 1, total - anchor.row);
  draw(anchor.row, count);
  list.moveTo(anchor.y);
  const tops = Array.from({ length: count + 1 }, (_, i) => anchor.y + i * ROW_HEIGHT);
  return { first: anchor.row, tops, anchor };
}

/** Draws enough around the anchor, measures, then moves the list so that the anchor fits; or the end, if `following`. */
export function layWrapped(list: RowList, { anchor, total, height, draw }: Space, following: boolean): Layout {
  const around = Math.ceil(height / ROW_HEIGHT) + 1;
  const first = Math.max(0, anchor.row - around);
  const count = Math.min(total, anchor.row + around) - first;
  draw(first, count);
  const bottoms = list.bottoms();
  const content = bottoms[bottoms.length - 1] ?? 0;
  let shift = anchor.y - (bottoms[anchor.row - first - 1] ?? 0);
  if (following) shift = height - content;
  if (first + count === total && content + shift < height) shift = height - content;
  if (first === 0 && (shift > 0 || (count === total && content <= height))) shift = 0;
  list.moveTo(shift);
  const tops = [0, ...bottoms].map((top) => top + shift);
  const visible = Math.max(0, tops.findIndex((top) => top > 0) - 1);
  return { first, tops, anchor: { row: first + visible, y: tops[visible] ?? 0 } };
}

/** The time that the rows in view show, as far as they are loaded. */
export function sightOf(
  { first, tops }: Layout,
  height: number,
  log: Pick<LogModel, 'rows' | 'filters'>,
): Sight | null {
  const inView = log.rows(first, tops.length - 1).filter((_, i) => tops[i + 1]! > 0 && tops[i]! < height);
  const rows = inView.filter((row) => row !== undefined);
  if (!rows.length) return null;
  const timeOf = (row: Row): number => Date.parse(rowRecord(row).time);
  const skips = !isFiltered(log.filters) && rows.some((row, i) => i > 0 && row.firstSeq > rows[i - 1]!.seq + 1);
  return { from: timeOf(rows[0]!), upTo: timeOf(rows[rows.length - 1]!), skips };
}
