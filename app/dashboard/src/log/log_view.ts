/**
 * The log's pane: some fifty rows of however many, drawn once per frame where the reader stands. Keeps the reader's
 * place while rows come and go above, or the end in sight while following. Takes rows from a LogModel.
 */
import type { LogModel } from './log_model';
import type { LineRange } from './filters';
import { columnsOf, drawPlaceholder, drawRow } from './row_element';
import { type Row, rowText } from './rows';
import { type Anchor, ROW_HEIGHT, aimedAt, anchorAt, held, isScaled, moved, scrollTopOf, shareAt, shareOf, spacerHeight } from './scrolling';

export interface LogLook {
  readonly q: string;
  /** The match or line that the reader stands on. */
  readonly current: number | null;
  readonly marked: LineRange | null;
  readonly wrap: boolean;
}

export interface LogEvents {
  following(on: boolean): void;
  /** A click on a line's number; with shift it extends the range. */
  mark(seq: number, extend: boolean): void;
  toggleGroup(seq: number): void;
}

export class LogView {
  private readonly spacer = document.createElement('div');
  private readonly layer = document.createElement('div');
  private readonly list = document.createElement('div');
  private readonly drawn = new Map<HTMLElement, string>();
  private readonly observer: ResizeObserver;
  private readonly listening = new AbortController();
  private look: LogLook = { q: '', current: null, marked: null, wrap: false };
  private anchor: Anchor = { row: 0, y: 0 };
  private target: number | null = null;
  private following = false;
  private frame = 0;
  private columns = 0;
  private rowHeight = ROW_HEIGHT;
  private expectedScroll = -1;
  private drawnSpacer = 0;
  /** Whether something of the log is selected, kept: to ask while rows change costs a layout. */
  private isSelecting = false;
  /** The pane's, kept for the same reason. */
  private height = 0;

  constructor(
    private readonly pane: HTMLElement,
    private readonly model: LogModel,
    private readonly events: LogEvents,
  ) {
    Object.assign(this.spacer, { className: 'spacer' }).append(this.layer);
    Object.assign(this.layer, { className: 'layer' }).append(this.list);
    pane.replaceChildren(this.spacer);
    model.onChange = (change) => this.keepPlace(change);
    const { signal } = this.listening;
    pane.addEventListener('scroll', () => this.scrolled(), { passive: true, signal });
    pane.addEventListener('wheel', (event) => this.wheeled(event), { passive: false, signal });
    pane.addEventListener('keydown', (event) => this.keyed(event), { signal });
    pane.addEventListener('click', (event) => this.clicked(event), { signal });
    this.observer = new ResizeObserver(() => this.resized());
    this.observer.observe(pane);
    document.addEventListener('selectionchange', () => (this.isSelecting = this.hasSelection()), { signal });
    this.schedule();
  }

  destroy(): void {
    this.listening.abort();
    this.observer.disconnect();
    cancelAnimationFrame(this.frame);
    this.model.onChange = (change) => change();
  }

  show(look: LogLook): void {
    if (look.wrap !== this.look.wrap) this.rowHeight = ROW_HEIGHT;
    this.look = look;
    this.schedule();
  }

  /** Forgets the widths of an earlier log. */
  reset(): void {
    this.columns = 0;
    this.rowHeight = ROW_HEIGHT;
    this.anchor = { row: 0, y: 0 };
    this.schedule();
  }

  follow(): void {
    this.target = null;
    this.setFollowing(true);
    this.schedule();
  }

  unfollow(): void {
    this.setFollowing(false);
  }

  /** Brings a line into sight, also if it must be read first. */
  goTo(seq: number): void {
    this.setFollowing(false);
    this.target = seq;
    this.aim();
    this.schedule();
  }

  /** The seq of the first row in sight. */
  firstInSight(): number {
    return this.model.seqAt(this.anchor.row + (this.anchor.y < -ROW_HEIGHT / 2 ? 1 : 0));
  }

  private keepPlace(change: () => void): void {
    const seq = this.model.seqAt(this.anchor.row);
    change();
    if (this.target !== null) this.aim();
    else if (!this.following) this.anchor = { row: this.model.indexOf(seq), y: this.anchor.y };
    this.schedule();
  }

  /** What stands above the pane may grow: the line that a reader stands on is not pushed out of sight by it. */
  private resized(): void {
    const row = this.model.indexOf(this.look.current ?? 0);
    const y = this.anchor.y + (row - this.anchor.row) * ROW_HEIGHT;
    const wasInSight = this.look.current !== null && y >= 0 && y < this.height;
    this.height = this.pane.clientHeight;
    if (wasInSight && y > this.height - ROW_HEIGHT) this.anchor = aimedAt(row, this.height);
    this.schedule();
  }

  private aim(): void {
    this.anchor = aimedAt(this.model.indexOf(this.target ?? 0), this.height);
  }

  private setFollowing(on: boolean): void {
    if (on === this.following) return;
    this.following = on;
    this.events.following(on);
  }

  private schedule(): void {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }

  private draw(): void {
    // At first nobody has told: to wait for the observer would be to wait for another frame.
    const height = (this.height ||= this.pane.clientHeight);
    const total = this.model.length;
    if (!height) return;
    this.fit(total);
    if (this.following && this.isSelecting) this.setFollowing(false);
    if (this.following) this.anchor = { row: Math.max(0, total - 1), y: height - ROW_HEIGHT };
    const tops = this.look.wrap ? this.drawWrapped(total, height) : this.drawFixed(total, height);
    const share = total ? shareAt(tops.first, tops.tops, total, height) : 0;
    const spacer = this.fit(total);
    const scrollTop = this.following ? Math.max(0, spacer - height) : scrollTopOf(share, spacer, height);
    if (Math.abs(this.pane.scrollTop - scrollTop) > 1) this.pane.scrollTop = scrollTop;
    this.expectedScroll = this.pane.scrollTop;
    if (this.target !== null && this.model.isLoaded(this.target)) this.target = null;
    this.model.want(tops.first, tops.first + tops.tops.length - 1);
  }

  private drawFixed(total: number, height: number): { first: number; tops: number[] } {
    this.anchor = held(this.anchor, total, height);
    const count = Math.min(Math.ceil(height / ROW_HEIGHT) + 1, total - this.anchor.row);
    this.drawRows(this.anchor.row, count);
    this.list.style.transform = `translateY(${this.anchor.y}px)`;
    return { first: this.anchor.row, tops: Array.from({ length: count + 1 }, (_, i) => this.anchor.y + i * ROW_HEIGHT) };
  }

  /** Rows as tall as they are: draws enough on both sides of the anchor, measures, moves them so that the anchor is right. */
  private drawWrapped(total: number, height: number): { first: number; tops: number[] } {
    const around = Math.ceil(height / ROW_HEIGHT) + 1;
    const first = Math.max(0, this.anchor.row - around);
    const count = Math.min(total, this.anchor.row + around) - first;
    this.drawRows(first, count);
    const rows = [...this.list.children] as HTMLElement[];
    const bottoms = rows.map((row) => row.offsetTop + row.offsetHeight);
    const content = bottoms[bottoms.length - 1] ?? 0;
    let shift = this.anchor.y - (bottoms[this.anchor.row - first - 1] ?? 0);
    if (this.following) shift = height - content;
    if (first + count === total && content + shift < height) shift = height - content;
    if (first === 0 && (shift > 0 || (count === total && content <= height))) shift = 0;
    this.list.style.transform = `translateY(${shift}px)`;
    const tops = [0, ...bottoms].map((top) => top + shift);
    const visible = Math.max(0, tops.findIndex((top) => top > 0) - 1);
    this.anchor = { row: first + visible, y: tops[visible] ?? 0 };
    const average = count ? content / count : ROW_HEIGHT;
    if (count === total || Math.abs(average / this.rowHeight - 1) > 0.2) this.rowHeight = average;
    return { first, tops };
  }

  private drawRows(first: number, count: number): void {
    const rows = count > 0 ? this.model.rows(first, count) : [];
    const kept = new Map<string, HTMLElement>();
    for (const [element, key] of this.drawn) kept.set(key, element);
    const keys = rows.map((row) => this.keyOf(row));
    const wanted = new Set(keys);
    const free = [...this.list.children].filter((element) => !wanted.has(this.drawn.get(element as HTMLElement) ?? '')) as HTMLElement[];
    rows.forEach((row, i) => {
      const key = keys[i]!;
      let element = row ? kept.get(key) : undefined;
      if (element) kept.delete(key);
      else {
        element = free.pop() ?? document.createElement('div');
        this.drawOne(element, row);
        this.drawn.set(element, key);
      }
      if (this.list.children[i] !== element) this.list.insertBefore(element, this.list.children[i] ?? null);
    });
    for (const element of [...this.list.children].slice(rows.length)) {
      this.drawn.delete(element as HTMLElement);
      element.remove();
    }
  }

  /** Whatever a row's look depends on: an element with the same key need not be drawn again. */
  private keyOf(row: Row | undefined): string {
    if (!row) return '';
    const { q, current, marked } = this.look;
    const isMarked = marked && marked.from <= row.seq && row.firstSeq <= marked.upTo;
    const isCurrent = current !== null && row.firstSeq <= current && current <= row.seq;
    return `${row.seq}:${row.records.length}:${isMarked ? 1 : 0}${isCurrent ? 1 : 0}${this.model.isFolded(row.seq) ? 1 : 0}:${q}`;
  }

  private drawOne(element: HTMLElement, row: Row | undefined): void {
    const { q, current, marked } = this.look;
    if (!row) return drawPlaceholder(element);
    drawRow(element, row, {
      q: q.toLowerCase(),
      isCurrent: current !== null && row.firstSeq <= current && current <= row.seq,
      isMarked: marked !== null && marked.from <= row.seq && row.firstSeq <= marked.upTo,
      isFolded: this.model.isFolded(row.seq),
    });
    this.columns = Math.max(this.columns, columnsOf(rowText(row)));
  }

  private fit(total: number): number {
    const spacer = this.spacerOf(total);
    this.drawnSpacer = spacer;
    this.spacer.style.height = `${spacer}px`;
    this.layer.style.height = `${this.height}px`;
    this.pane.style.setProperty('--columns', String(this.look.wrap ? 0 : this.columns));
    return spacer;
  }

  private spacerOf(total: number): number {
    return spacerHeight(total, this.look.wrap ? this.rowHeight : ROW_HEIGHT);
  }

  private scrolled(): void {
    const { height, drawnSpacer, pane: { scrollTop, clientHeight } } = this;
    if (Math.abs(scrollTop - this.expectedScroll) <= 1) return;
    // A taller pane is moved by the browser, which may tell so before the observer tells of the size: no reader did it.
    if (clientHeight !== height) return;
    this.expectedScroll = scrollTop;
    this.target = null;
    const total = this.model.length;
    this.anchor = anchorAt(shareOf(scrollTop, this.spacerOf(total), height), total, height);
    // The end that a reader sees: rows that came since are not drawn yet.
    this.setFollowing(drawnSpacer - height - scrollTop < ROW_HEIGHT / 2 && drawnSpacer > height);
    this.schedule();
  }

  private wheeled(event: WheelEvent): void {
    if (event.deltaY < 0) this.setFollowing(false);
    if (!isScaled(this.model.length) || event.ctrlKey || event.shiftKey || !event.deltaY) return;
    event.preventDefault();
    this.moveBy(event.deltaY * [1, ROW_HEIGHT, this.height][event.deltaMode]!);
  }

  private moveBy(pixels: number): void {
    this.target = null;
    if (pixels < 0) this.setFollowing(false);
    this.anchor = moved(this.anchor, pixels);
    const total = this.model.length;
    if (pixels > 0 && (total - this.anchor.row) * ROW_HEIGHT + this.anchor.y <= this.height) this.setFollowing(true);
    this.schedule();
  }

  private keyed(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target !== this.pane) return;
    const page = this.height - 2 * ROW_HEIGHT;
    const steps: Record<string, number> = { ArrowUp: -ROW_HEIGHT, ArrowDown: ROW_HEIGHT, PageUp: -page, PageDown: page, ' ': event.shiftKey ? -page : page };
    if (event.key === 'Home') this.goTo(this.model.seqAt(0));
    else if (event.key === 'End') this.follow();
    else if (steps[event.key] !== undefined) this.moveBy(steps[event.key]!);
    else return;
    event.preventDefault();
  }

  private clicked(event: MouseEvent): void {
    const target = event.target as HTMLElement;
    const seq = Number((target.closest('.row') as HTMLElement | null)?.dataset['seq']);
    if (!seq) return;
    if (target.closest('.fold')) this.events.toggleGroup(seq);
    else if (target.closest('.number') && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      this.events.mark(seq, event.shiftKey);
    }
  }

  private hasSelection(): boolean {
    const selection = document.getSelection();
    return !!selection && !selection.isCollapsed && this.list.contains(selection.anchorNode);
  }
}
