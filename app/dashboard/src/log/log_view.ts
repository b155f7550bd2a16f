/**
 * The scrollable log: draws only the rows in view (about fifty), once per frame, and handles input. Takes its rows from a
 * LogModel, and where they are from a LogPosition.
 */
import { readClick } from './clicks';
import { type Layout, averageHeight, layFixed, layWrapped, sightOf } from './layout';
import type { LogModel } from './log_model';
import { LogPosition } from './log_position';
import type { LogViewEvents } from './log_view_events';
import { type Marked, Marks } from './marks';
import { printInFull } from './printed_log';
import { type LogViewOptions, NO_OPTIONS, RowList } from './row_list';
import { Spacer } from './spacer';
import { StepHeading } from './step_heading';
import { TextSelection } from './text_selection';
import { UserInput } from './user_input';
import { ROW_HEIGHT, anchorAt, isScaled, scrollOf, scrollTopOf, shareAt, shareOf, spacerHeight } from './scrolling';

export class LogView {
  private readonly spacer: Spacer;
  private readonly list: RowList;
  private readonly heading = new StepHeading();
  private readonly marks = new Marks();
  private readonly observer: ResizeObserver;
  private readonly listening = new AbortController();
  private readonly input = new UserInput(this.listening.signal);
  private options = NO_OPTIONS;
  private isEmpty = false;
  private frame = 0;
  private rowHeight = ROW_HEIGHT;
  private expectedScroll = -1;
  readonly selection: TextSelection;
  readonly position: LogPosition;

  constructor(
    private readonly pane: HTMLElement,
    private readonly model: LogModel,
    private readonly events: LogViewEvents,
  ) {
    this.list = new RowList(model);
    this.spacer = new Spacer(pane, this.marks.element, this.heading.element, this.list.element);
    this.position = new LogPosition(
      model,
      (on) => events.following(on),
      () => this.schedule(),
    );
    model.onChange = (change) => this.position.keep(change);
    const { signal } = this.listening;
    pane.addEventListener('scroll', () => this.handleScroll(), { passive: true, signal });
    pane.addEventListener('wheel', (event) => this.handleWheel(event), { passive: false, signal });
    pane.addEventListener('keydown', (event) => this.handleKey(event), { signal });
    pane.addEventListener('click', (event) => this.handleClick(event), { signal });
    this.observer = new ResizeObserver(() => this.position.resize(pane.clientHeight, this.options.current));
    this.observer.observe(pane);
    this.selection = new TextSelection(this.list.element);
    printInFull(pane, model, () => [this.position.anchor.row, this.options], signal);
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
    this.position.anchor = { row: 0, y: 0 };
    this.schedule();
  }

  private schedule(): void {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }

  private draw(): void {
    // Before the first report of the observer, measure: waiting for it would cost another frame.
    const height = (this.position.height ||= this.pane.clientHeight);
    const total = this.model.length;
    if (this.isEmpty !== this.model.isEmpty) this.events.empty((this.isEmpty = this.model.isEmpty));
    if (!height) return;
    this.resizeSpacer(total);
    const { isFollowing } = this.position;
    if (isFollowing) this.position.aim();
    const layout = this.lay(total, height);
    const { first, tops } = layout;
    this.marks.draw(this.model, height, layout);
    const share = total ? shareAt(first, tops, total, height) : 0;
    const spacer = this.resizeSpacer(total);
    const scrollTop = isFollowing ? Math.max(0, spacer - height) : scrollTopOf(share, spacer, height);
    if (Math.abs(this.pane.scrollTop - scrollTop) > 1) this.pane.scrollTop = scrollTop;
    this.expectedScroll = this.pane.scrollTop;
    const { target } = this.position;
    if (target && this.model.isLoaded(target.seq)) {
      if (this.model.isFoldedProgress(target.seq)) this.events.unfoldProgress();
      this.position.target = null;
    }
    // At least one row: without any, the log may still have rows that were not requested yet.
    this.model.load(first, first + Math.max(1, tops.length - 1));
  }

  private lay(total: number, height: number): Layout {
    const draw = (first: number, count: number): void => {
      const before = first > 0 ? this.model.rows(first - 1, 1)[0] : undefined;
      this.list.draw(count > 0 ? this.model.rows(first, count) : [], this.options, this.selection.ends, before);
    };
    const space = { anchor: this.position.anchor, total, height, draw };
    const { wrap } = this.options;
    const layout = wrap ? layWrapped(this.list, space, this.position.isFollowing) : layFixed(this.list, space);
    this.position.anchor = layout.anchor;
    if (wrap) this.rowHeight = averageHeight(layout, total, this.rowHeight);
    this.events.drawn(sightOf(layout, height, this.model));
    this.heading.showAbove(layout, (row) => this.model.seqAt(row), this.options);
    return layout;
  }

  private resizeSpacer(total: number): number {
    this.spacer.resize(this.spacerOf(total), this.position.height, this.options.wrap ? 0 : this.list.columns);
    return this.spacer.height;
  }

  private readonly spacerOf = (total: number): number =>
    spacerHeight(total, this.options.wrap ? this.rowHeight : ROW_HEIGHT);

  private handleScroll(): void {
    const { scrollTop, clientHeight } = this.pane;
    const { height, isFollowing } = this.position;
    if (Math.abs(scrollTop - this.expectedScroll) <= 1) return;
    // When the pane grows, the browser scrolls it, perhaps before the observer reports the size. That is not user input.
    if (clientHeight !== height) return;
    // The pane may even have its old size again. It cannot have been taller than the window.
    const below = this.spacer.height - height - scrollTop;
    if (isFollowing && below <= innerHeight - height && !this.input.isRecent()) return this.schedule();
    this.events.readerMoved();
    this.expectedScroll = scrollTop;
    const total = this.model.length;
    const anchor = anchorAt(shareOf(scrollTop, this.spacerOf(total), height), total, height);
    // Compared with the end as drawn: rows that arrived since are not visible yet.
    this.position.moveTo(anchor, below < ROW_HEIGHT / 2 && this.spacer.height > height);
  }

  /** A selection that begins ends following. A reader who goes to the end of the log keeps it. */
  private handleSelection(): void {
    const wasOpen = this.selection.isOpen;
    if (this.selection.update()) this.schedule();
    if (!wasOpen && this.selection.isOpen) this.position.setFollowing(false);
  }

  private handleWheel(event: WheelEvent): void {
    if (event.deltaY < 0) this.position.setFollowing(false);
    if (!isScaled(this.model.length) || event.ctrlKey || event.shiftKey || !event.deltaY) return;
    event.preventDefault();
    this.events.readerMoved();
    this.position.moveBy(event.deltaY * [1, ROW_HEIGHT, this.position.height][event.deltaMode]!);
  }

  private handleKey(event: KeyboardEvent): void {
    if (event.key === 'Escape' && this.list.opened !== null) {
      this.openJson(null);
      return event.preventDefault();
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.target !== this.pane) return;
    if (event.key === 'Enter') return this.openJson(this.options.current);
    const way = scrollOf(event, this.position.height);
    if (event.key === 'Home') this.position.goTo(this.model.seqAt(0));
    else if (event.key === 'End') this.position.follow();
    else if (way !== undefined) this.position.moveBy(way);
    else return;
    this.events.readerMoved();
    event.preventDefault();
  }

  /** Shows the fields of a line, or hides them again. There must be room below it. */
  private openJson(seq: number | null): void {
    this.list.opened = this.list.opened === seq ? null : seq;
    if (this.list.opened !== null) this.position.raise(this.list.opened);
    this.schedule();
  }

  private handleClick(event: MouseEvent): void {
    this.events.readerMoved();
    const click = readClick(event);
    if (click?.part === 'heading') this.position.goTo(this.heading.firstSeq);
    else if (click?.part === 'json') this.openJson(click.seq);
    else if (click?.part === 'progress') this.events.unfoldProgress();
    else if (click?.part === 'context') this.events.toggleContext(click.seq);
    else if (click?.part === 'group') this.events.toggleGroup(click.seq);
    else if (click) {
      event.preventDefault();
      this.position.setFollowing(false);
      this.events.mark(click.seq, event.shiftKey);
    }
  }
}
