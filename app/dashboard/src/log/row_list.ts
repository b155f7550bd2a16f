/**
 * The elements of the rows in view. An element is reused from one frame to the next and redrawn only when something
 * that its row's appearance depends on has changed.
 */
import type { RunStep } from '../api/mapping';
import type { LineRange } from './filters';
import { fold } from './finding';
import { type RowState, columnsOf, drawPlaceholder, drawRow } from './row_element';
import { type Row, rowText } from './rows';

export interface LogViewOptions {
  readonly q: string;
  /** The seq of the current match or line. */
  readonly current: number | null;
  readonly marked: LineRange | null;
  readonly wrap: boolean;
  readonly steps: readonly RunStep[];
}

export class RowList {
  readonly element = document.createElement('div');
  /** The widest line drawn so far, in columns. */
  columns = 0;
  private readonly drawn = new Map<HTMLElement, string>();

  constructor(private readonly isFolded: (seq: number) => boolean) {}

  /** Draws these rows in this order; undefined stands for a row that is not loaded. */
  draw(rows: readonly (Row | undefined)[], options: LogViewOptions): void {
    const states = rows.map((row) => row && this.stateOf(row, options));
    const keys = rows.map((row, i) => keyOf(row, states[i]));
    const wanted = new Set(keys);
    const kept = new Map<string, HTMLElement>();
    const free: HTMLElement[] = [];
    for (const [element, key] of this.drawn) {
      if (key && wanted.has(key)) kept.set(key, element);
      else free.push(element);
    }
    // An element that is moved loses the focus and the selection in it. Those that stay are already in order.
    for (const element of free) element.remove();
    let next = this.element.firstElementChild;
    rows.forEach((row, i) => {
      const key = keys[i]!;
      let element = kept.get(key);
      if (!element) {
        element = free.pop() ?? document.createElement('div');
        this.drawOne(element, row, states[i]);
        this.drawn.set(element, key);
      }
      if (element === next) next = next.nextElementSibling;
      else this.element.insertBefore(element, next);
    });
    for (const element of free) this.drawn.delete(element);
  }

  /** Places the first row this many pixels below the top of the pane. */
  moveTo(y: number): void {
    this.element.style.transform = `translateY(${y}px)`;
  }

  /** Where each row ends, in pixels from the top of the first. Costs a layout. */
  bottoms(): number[] {
    return ([...this.element.children] as HTMLElement[]).map((row) => row.offsetTop + row.offsetHeight);
  }

  private stateOf(row: Row, { q, current, marked }: LogViewOptions): RowState {
    return {
      q: fold(q),
      isCurrent: current !== null && row.firstSeq <= current && current <= row.seq,
      isMarked: marked !== null && marked.from <= row.seq && row.firstSeq <= marked.upTo,
      isFolded: this.isFolded(row.seq),
    };
  }

  private drawOne(element: HTMLElement, row: Row | undefined, state: RowState | undefined): void {
    if (!row || !state) return drawPlaceholder(element);
    drawRow(element, row, state);
    this.columns = Math.max(this.columns, columnsOf(rowText(row)));
  }
}

/** Names everything that a row's appearance depends on: an element with the same key need not be redrawn. */
function keyOf(row: Row | undefined, state: RowState | undefined): string {
  if (!row || !state) return '';
  return `${row.seq}:${row.records.length}:${row.updates}${+row.isFolded}:${+state.isMarked}${+state.isCurrent}${+state.isFolded}:${state.q}`;
}
