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
    const kept = new Map<string, HTMLElement>();
    for (const [element, key] of this.drawn) kept.set(key, element);
    const states = rows.map((row) => row && this.stateOf(row, options));
    const keys = rows.map((row, i) => keyOf(row, states[i]));
    const wanted = new Set(keys);
    const children = [...this.element.children] as HTMLElement[];
    const free = children.filter((element) => !wanted.has(this.drawn.get(element) ?? ''));
    rows.forEach((row, i) => {
      const key = keys[i]!;
      let element = row ? kept.get(key) : undefined;
      if (element) kept.delete(key);
      else {
        element = free.pop() ?? document.createElement('div');
        this.drawOne(element, row, states[i]);
        this.drawn.set(element, key);
      }
      if (this.element.children[i] !== element) this.element.insertBefore(element, this.element.children[i] ?? null);
    });
    for (const element of [...this.element.children].slice(rows.length)) {
      this.drawn.delete(element as HTMLElement);
      element.remove();
    }
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
