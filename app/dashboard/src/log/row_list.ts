/**
 * The elements of the rows in view. An element is reused from one frame to the next and redrawn only when something
 * that its row's appearance depends on has changed.
 */
import { formatDuration, formatExact } from '../runs/format';
import { formatLogTime, formatSinceLine, formatSinceStart } from '../runs/line_times';
import type { LineTimes } from '../state/preferences.svelte';
import { type LineRange, isFiltered } from './filters';
import type { LogModel } from './log_model';
import type { TextFinder } from './finding';
import { type RowState, columnsOf, drawPlaceholder, drawRow } from './row_element';
import { type Row, rowRecord, rowText } from './rows';
import type { Steps } from './step_heading';

export interface LogViewOptions extends Steps {
  readonly text: TextFinder | null;
  /** The seq of the current match or line. */
  readonly current: number | null;
  readonly marked: LineRange | null;
  readonly wrap: boolean;
  /** Whether lines of JSON stay as they are. */
  readonly raw: boolean;
  readonly times: LineTimes;
}

export const NO_OPTIONS: LogViewOptions = {
  text: null,
  current: null,
  marked: null,
  wrap: false,
  raw: false,
  times: 'clock',
  startedAt: 0,
  steps: [],
  isStale: false,
  progress: null,
  now: 0,
};

const MIN_GAP_MS = 10_000;
/** The width of a time in columns. Some nights, one names its zone, too. */
const CLOCK = '02:30:00.000'.length;

export class RowList {
  readonly element = document.createElement('div');
  /** The widest line drawn so far, in columns. */
  columns = 0;
  /** The seq of the line of JSON that is shown as a tree. */
  opened: number | null = null;
  private readonly drawn = new Map<HTMLElement, string>();
  /** The elements of the rows in view, in order. */
  private shown: readonly HTMLElement[] = [];

  constructor(private readonly model: Pick<LogModel, 'filters' | 'isFolded' | 'hasContext'>) {
    this.element.addEventListener('pointerover', explainTime, { passive: true });
  }

  /**
   * Draws these rows in this order; undefined stands for a row that is not loaded. The `held` elements keep their rows
   * when these are out of view. No element moves that keeps its row: the browser would end a selection in it.
   */
  draw(
    rows: readonly (Row | undefined)[],
    options: LogViewOptions,
    held: ReadonlySet<HTMLElement>,
    before?: Row,
  ): void {
    const states = rows.map((row, i) => row && this.stateOf(row, options, i === 0 ? before : rows[i - 1]));
    const keys = rows.map((row, i) => keyOf(row, states[i]));
    const known = new Map<string, HTMLElement>();
    for (const [element, key] of this.drawn) if (key) known.set(key, element);
    const bySeq = new Map([...held].map((element) => [Number(element.dataset['seq']), element]));
    const kept = rows.map((row, i) => row && (known.get(keys[i]!) ?? bySeq.get(row.seq)));
    const free = this.free(new Set([...kept, ...held]));
    this.shown = rows.map((row, i) => {
      const element = kept[i] ?? free.pop() ?? document.createElement('div');
      if (!row || this.drawn.get(element) !== keys[i]) this.drawOne(element, row, states[i]);
      this.drawn.set(element, keys[i]!);
      return element;
    });
    this.place(held, rows.find((row) => row !== undefined)?.seq ?? Infinity);
  }

  /** Places the first row this many pixels below the top of the pane. */
  moveTo(y: number): void {
    this.element.style.transform = `translateY(${y}px)`;
  }

  /** Where each row ends, in pixels from the top of the first. Costs a layout. */
  bottoms(): number[] {
    return this.shown.map((row) => row.offsetTop + row.offsetHeight);
  }

  /** Removes all other elements from the document, and returns them. */
  private free(wanted: ReadonlySet<HTMLElement | undefined>): HTMLElement[] {
    const free = [...this.drawn.keys()].filter((element) => !wanted.has(element));
    for (const element of free) {
      element.remove();
      this.drawn.delete(element);
    }
    return free;
  }

  /** Adds the missing elements. Held ones stay above the first row in view, or below the last. */
  private place(held: ReadonlySet<HTMLElement>, firstSeq: number): void {
    const shown = new Set(this.shown);
    for (const element of this.drawn.keys()) element.classList.toggle('away', !shown.has(element));
    let next = this.element.firstElementChild;
    while (next && held.has(next as HTMLElement) && Number((next as HTMLElement).dataset['seq']) < firstSeq)
      next = next.nextElementSibling;
    for (const element of this.shown) {
      if (element === next) next = next.nextElementSibling;
      else this.element.insertBefore(element, next);
    }
  }

  private stateOf(row: Row, options: LogViewOptions, before: Row | undefined): RowState {
    const { text, current, marked, raw } = options;
    const { filters } = this.model;
    const skipsFrom = before && !isFiltered(filters) ? before.seq + 1 : row.firstSeq;
    const showsGaps = filters.level === null && filters.text === null;
    return {
      text,
      isCurrent: current !== null && row.firstSeq <= current && current <= row.seq,
      isMarked: marked !== null && marked.from <= row.seq && row.firstSeq <= marked.upTo,
      isFolded: this.model.isFolded(row.seq),
      context: filters.text ? (this.model.hasContext(row) ? 'shown' : 'hidden') : null,
      time: timeOf(row, before, options),
      gap: before && showsGaps ? gapBetween(before, row) : '',
      skipped: skipsFrom < row.firstSeq ? { from: skipsFrom, upTo: row.firstSeq - 1 } : null,
      isRaw: raw,
      isOpen: this.opened === row.seq,
    };
  }

  private drawOne(element: HTMLElement, row: Row | undefined, state: RowState | undefined): void {
    if (!row || !state) return drawPlaceholder(element);
    drawRow(element, row, state);
    this.columns = Math.max(this.columns, columnsOf(rowText(row)) + Math.max(0, state.time.length - CLOCK));
  }
}

/** Of the last record, whose number the row has. */
function timeOf(row: Row, before: Row | undefined, { times, startedAt }: LogViewOptions): string {
  const time = Date.parse(rowRecord(row).time);
  if (times === 'run') return formatSinceStart(time - startedAt);
  if (times === 'line') return before ? formatSinceLine(msBetween(before, row)) : '';
  return formatLogTime(time);
}

/** Not before the reader asks: the formats of a language take a millisecond for all rows in view. */
function explainTime({ target }: Event): void {
  if (target instanceof HTMLTimeElement) target.title ||= formatExact(Date.parse(target.dateTime));
}

const msBetween = (before: Row, row: Row): number =>
  Date.parse(row.records[0]!.time) - Date.parse(rowRecord(before).time);

function gapBetween(before: Row, row: Row): string {
  const ms = msBetween(before, row);
  return ms >= MIN_GAP_MS ? formatDuration(ms) : '';
}

/** Names everything that a row's appearance depends on: an element with the same key need not be redrawn. */
function keyOf(row: Row | undefined, state: RowState | undefined): string {
  if (!row || !state) return '';
  return `${row.seq}:${row.records.length}:${row.updates}${+!!row.isContext}:${+state.isMarked}${+state.isCurrent}${+state.isFolded}${+state.isRaw}${+state.isOpen}${state.context}${state.gap}${state.skipped?.from}:${state.time}:${state.text?.key}`;
}
