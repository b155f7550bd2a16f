/**
 * The scrollable log: draws only the rows in view (about fifty), once per frame. Keeps the scroll position while rows are
 * added or removed above it, or stays at the end while following. Takes its rows from a LogModel.
 */
import { readClick } from './clicks';
import { type Layout, averageHeight, layFixed, layWrapped, sightOf } from './layout';
import type { LogModel } from './log_model';
import type { LogPlace, LogViewEvents } from './log_view_events';
import { type Marked, Marks } from './marks';
import { printInFull } from './printed_log';
import { type LogViewOptions, NO_OPTIONS, RowList } from './row_list';
import { Spacer } from './spacer';
import { StepHeading } from './step_heading';
import { TextSelection } from './text_selection';
import { UserInput } from './user_input';
import {
  type Anchor,
  ROW_HEIGHT,
  anchorInView,
  anchorAt,
  isScaled,
  moveAnchor,
  scrollOf,
  scrollTopOf,
  shareAt,
  shareOf,
  spacerHeight,
} from './scrolling';

export class LogView {
  private readonly spacer: Spacer;
  private readonly list: RowList;
  private readonly heading = new StepHeading();
  private readonly marks = new Marks();
  private readonly observer: ResizeObserver;
  private readonly listening = new AbortController();
  private readonly input = new UserInput(this.listening.signal);
  private options = NO_OPTIONS;
  private anchor: Anchor = { row: 0, y: 0 };
  /** The line to show once it is loaded, and the place of its upper edge; null for any place in sight. */
  private target: { readonly seq: number; readonly y: number | null } | null = null;
  private following = false;
  private isEmpty = false;
  private frame = 0;
  private rowHeight = ROW_HEIGHT;
  private expectedScroll = -1;
  readonly selection: TextSelection;
  /** Of the pane. Asking while rows change would force a layout. */
  private height = 0;

  constructor(
    private readonly pane: HTMLElement,
    private readonly model: LogModel,
    private readonly events: LogViewEvents,
  ) {
    this.list = new RowList(model);
    this.spacer = new Spacer(pane, this.marks.element, this.heading.element, this.list.element);
    model.onChange = (change) => this.keepPlace(change);
    const { signal } = this.listening;
    pane.addEventListener('scroll', () => this.handleScroll(), { passive: true, signal });
    pane.addEventListener('wheel', (event) => this.handleWheel(event), { passive: false, signal });
    pane.addEventListener('keydown', (event) => this.handleKey(event), { signal });
    pane.addEventListener('click', (event) => this.handleClick(event), { signal });
    this.observer = new ResizeObserver(() => this.handleResize());
    this.observer.observe(pane);
    this.selection = new TextSelection(this.list.element);
    printInFull(pane, model, () => [this.anchor.row, this.options], signal);
    document.addEventListener('selectionchange', () => this.handleSelection(), { signal });
    this.schedule();
  }

  destroy(): void {
    this.listening.abort();
    this.observer.disconnect();
    cancelAnimationFrame(this.frame);
    this.model.onChange = (change) => change();
  }

  show(options: LogViewOptions): void {
    if (options.wrap !== this.options.wrap) this.rowHeight = ROW_HEIGHT;
    this.options = options;
    this.schedule();
  }

  mark(marked: Marked): void {
    this.marks.show(marked);
    this.schedule();
  }

  /** Resets the sizes measured from an earlier log. */
  reset(): void {
    this.list.columns = 0;
    this.rowHeight = ROW_HEIGHT;
    this.anchor = { row: 0, y: 0 };
    this.schedule();
  }

  follow(): void {
    this.target = null;
    this.setFollowing(true);
    this.schedule();
  }

  /** Scrolls to a line, even if it must be loaded first. */
  goTo(seq: number, y: number | null = null): void {
    this.setFollowing(false);
    this.model.reveal(seq);
    this.target = { seq, y };
    this.aim();
    this.schedule();
  }

  /** The seq of the first row in view. */
  firstVisible(): number {
    return this.model.seqAt(this.anchor.row + (this.anchor.y < -ROW_HEIGHT / 2 ? 1 : 0));
  }

  /** Undefined on the way to a line in sight, which the address or the run names. */
  place(): LogPlace | undefined {
    if (this.following) return 'end';
    const { seq, y } = this.target ?? { seq: this.model.seqAt(this.anchor.row), y: this.anchor.y };
    return y === null ? undefined : { seq, y };
  }

  returnTo(place: LogPlace): void {
    if (place === 'end') this.follow();
    else this.goTo(place.seq, place.y);
  }

  private keepPlace(change: () => void): void {
    const seq = this.model.seqAt(this.anchor.row);
    change();
    if (this.target) this.aim();
    else if (!this.following) this.anchor = { row: this.model.indexOf(seq), y: this.anchor.y };
    this.schedule();
  }

  /** Content above the pane may grow. Keeps the current line in view when that shrinks the pane. */
  private handleResize(): void {
    const { current } = this.options;
    const y = current === null ? -1 : this.topOf(current);
    const wasInSight = y >= 0 && y < this.height;
    this.height = this.pane.clientHeight;
    if (current !== null && wasInSight && y > this.height - ROW_HEIGHT)
      this.anchor = anchorInView(this.model.indexOf(current), this.height);
    this.schedule();
  }

  /** Of a line, below the top of the pane in pixels. */
  private readonly topOf = (seq: number): number =>
    this.anchor.y + (this.model.indexOf(seq) - this.anchor.row) * ROW_HEIGHT;

  private aim(): void {
    if (!this.target) return;
    const { seq, y } = this.target;
    const row = this.model.indexOf(seq);
    this.anchor = y === null ? anchorInView(row, this.height) : { row, y };
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
    // Before the first report of the observer, measure: waiting for it would cost another frame.
    const height = (this.height ||= this.pane.clientHeight);
    const total = this.model.length;
    if (this.isEmpty !== this.model.isEmpty) this.events.empty((this.isEmpty = this.model.isEmpty));
    if (!height) return;
    this.resizeSpacer(total);
    if (this.following) this.anchor = { row: Math.max(0, total - 1), y: height - ROW_HEIGHT };
    const { first, tops } = this.lay(total, height);
    this.marks.draw(this.model, height);
    const share = total ? shareAt(first, tops, total, height) : 0;
    const spacer = this.resizeSpacer(total);
    const scrollTop = this.following ? Math.max(0, spacer - height) : scrollTopOf(share, spacer, height);
    if (Math.abs(this.pane.scrollTop - scrollTop) > 1) this.pane.scrollTop = scrollTop;
    this.expectedScroll = this.pane.scrollTop;
    if (this.target && this.model.isLoaded(this.target.seq)) {
      if (this.model.isFoldedProgress(this.target.seq)) this.events.unfoldProgress();
      this.target = null;
    }
    // At least one row: without any, the log may still have rows that were not requested yet.
    this.model.load(first, first + Math.max(1, tops.length - 1));
  }

  private lay(total: number, height: number): Layout {
    const draw = (first: number, count: number): void => {
      const before = first > 0 ? this.model.rows(first - 1, 1)[0] : undefined;
      this.list.draw(count > 0 ? this.model.rows(first, count) : [], this.options, this.selection.ends, before);
    };
    const space = { anchor: this.anchor, total, height, draw };
    const { wrap } = this.options;
    const layout = wrap ? layWrapped(this.list, space, this.following) : layFixed(this.list, space);
    this.anchor = layout.anchor;
    if (wrap) this.rowHeight = averageHeight(layout, total, this.rowHeight);
    this.events.drawn(sightOf(layout, height, this.model));
    this.heading.showAbove(layout, (row) => this.model.seqAt(row), this.options);
    return layout;
  }

  private resizeSpacer(total: number): number {
    this.spacer.resize(this.spacerOf(total), this.height, this.options.wrap ? 0 : this.list.columns);
    return this.spacer.height;
  }

  private readonly spacerOf = (total: number): number =>
    spacerHeight(total, this.options.wrap ? this.rowHeight : ROW_HEIGHT);

  private handleScroll(): void {
    const { scrollTop, clientHeight } = this.pane;
    if (Math.abs(scrollTop - this.expectedScroll) <= 1) return;
    // When the pane grows, the browser scrolls it, perhaps before the observer reports the size. That is not user input.
    if (clientHeight !== this.height) return;
    // The pane may even have its old size again. It cannot have been taller than the window.
    const below = this.spacer.height - this.height - scrollTop;
    if (this.following && below <= innerHeight - this.height && !this.input.isRecent()) return this.schedule();
    this.events.readerMoved();
    this.expectedScroll = scrollTop;
    this.target = null;
    const total = this.model.length;
    this.anchor = anchorAt(shareOf(scrollTop, this.spacerOf(total), this.height), total, this.height);
    // Compared with the end as drawn: rows that arrived since are not visible yet.
    this.setFollowing(below < ROW_HEIGHT / 2 && this.spacer.height > this.height);
    this.schedule();
  }

  /** A selection that begins ends following. A reader who goes to the end of the log keeps it. */
  private handleSelection(): void {
    const wasOpen = this.selection.isOpen;
    if (this.selection.update()) this.schedule();
    if (!wasOpen && this.selection.isOpen) this.setFollowing(false);
  }

  private handleWheel(event: WheelEvent): void {
    if (event.deltaY < 0) this.setFollowing(false);
    if (!isScaled(this.model.length) || event.ctrlKey || event.shiftKey || !event.deltaY) return;
    event.preventDefault();
    this.events.readerMoved();
    this.moveBy(event.deltaY * [1, ROW_HEIGHT, this.height][event.deltaMode]!);
  }

  private moveBy(pixels: number): void {
    this.target = null;
    if (pixels < 0) this.setFollowing(false);
    this.anchor = moveAnchor(this.anchor, pixels);
    const total = this.model.length;
    if (pixels > 0 && (total - this.anchor.row) * ROW_HEIGHT + this.anchor.y <= this.height) this.setFollowing(true);
    this.schedule();
  }

  private handleKey(event: KeyboardEvent): void {
    if (event.key === 'Escape' && this.list.opened !== null) {
      this.openJson(null);
      return event.preventDefault();
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.target !== this.pane) return;
    if (event.key === 'Enter') return this.openJson(this.options.current);
    const way = scrollOf(event, this.height);
    if (event.key === 'Home') this.goTo(this.model.seqAt(0));
    else if (event.key === 'End') this.follow();
    else if (way !== undefined) this.moveBy(way);
    else return;
    this.events.readerMoved();
    event.preventDefault();
  }

  /** Shows the fields of a line, or hides them again. There must be room below it. */
  private openJson(seq: number | null): void {
    this.list.opened = this.list.opened === seq ? null : seq;
    if (this.list.opened !== null && this.topOf(this.list.opened) > this.height / 2) {
      this.setFollowing(false);
      this.anchor = anchorInView(this.model.indexOf(this.list.opened), this.height);
    }
    this.schedule();
  }

  private handleClick(event: MouseEvent): void {
    const click = readClick(event);
    if (click?.part === 'heading') this.goTo(this.heading.firstSeq);
    else if (click?.part === 'json') this.openJson(click.seq);
    else if (click?.part === 'progress') this.events.unfoldProgress();
    else if (click?.part === 'context') this.events.toggleContext(click.seq);
    else if (click?.part === 'group') this.events.toggleGroup(click.seq);
    else if (click) {
      event.preventDefault();
      this.setFollowing(false);
      this.events.mark(click.seq, event.shiftKey);
    }
  }
}
