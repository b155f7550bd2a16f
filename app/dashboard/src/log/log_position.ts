/** Where the reader is in the log: at a row, on the way to a line that is not loaded yet, or following the end. */
import type { LogModel } from './log_model';
import type { LogPlace } from './log_view_events';
import { type Anchor, ROW_HEIGHT, anchorInView, moveAnchor } from './scrolling';

export class LogPosition {
  /** The first row in view. */
  anchor: Anchor = { row: 0, y: 0 };
  /** The line to show once it is loaded, and the place of its upper edge; null for any place in sight. */
  target: { readonly seq: number; readonly y: number | null } | null = null;
  /** Of the pane. Asking while rows change would force a layout. */
  height = 0;
  private following = false;

  constructor(
    private readonly model: LogModel,
    private readonly onFollowing: (on: boolean) => void,
    private readonly onMove: () => void,
  ) {}

  get isFollowing(): boolean {
    return this.following;
  }

  setFollowing(on: boolean): void {
    if (on === this.following) return;
    this.following = on;
    this.onFollowing(on);
  }

  follow(): void {
    this.target = null;
    this.setFollowing(true);
    this.aim();
    this.onMove();
  }

  /** Scrolls to a line, even if it must be loaded first. */
  goTo(seq: number, y: number | null = null): void {
    this.setFollowing(false);
    this.model.reveal(seq);
    this.target = { seq, y };
    this.aim();
    this.onMove();
  }

  moveTo(anchor: Anchor, isEnd: boolean): void {
    this.target = null;
    this.anchor = anchor;
    this.setFollowing(isEnd);
    this.onMove();
  }

  moveBy(pixels: number): void {
    const anchor = moveAnchor(this.anchor, pixels);
    const below = (this.model.length - anchor.row) * ROW_HEIGHT + anchor.y;
    this.moveTo(anchor, pixels > 0 && (this.following || below <= this.height));
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

  isInView(seq: number): boolean {
    const y = this.topOf(seq);
    return y >= 0 && y < this.height;
  }

  /** Stays at the same line while rows are added or removed above it. */
  keep(change: () => void): void {
    const seq = this.model.seqAt(this.anchor.row);
    change();
    if (this.target) this.aim();
    else if (!this.following) this.anchor = { row: this.model.indexOf(seq), y: this.anchor.y };
    this.onMove();
  }

  /** Keeps the current line in view when content above the pane grows, which shrinks the pane. */
  resize(height: number, current: number | null): void {
    const wasInView = current !== null && this.isInView(current);
    this.height = height;
    if (wasInView && this.topOf(current) > height - ROW_HEIGHT) this.show(current);
    this.onMove();
  }

  /** Makes room below a line. */
  raise(seq: number): void {
    if (this.topOf(seq) <= this.height / 2) return;
    this.setFollowing(false);
    this.show(seq);
  }

  /** Takes the anchor to the target, or to the end. */
  aim(): void {
    if (this.following) this.anchor = { row: Math.max(0, this.model.length - 1), y: this.height - ROW_HEIGHT };
    else if (!this.target) return;
    else if (this.target.y === null) this.show(this.target.seq);
    else this.anchor = { row: this.model.indexOf(this.target.seq), y: this.target.y };
  }

  private show(seq: number): void {
    this.anchor = anchorInView(this.model.indexOf(seq), this.height);
  }

  /** Of a line, below the top of the pane in pixels. */
  private topOf(seq: number): number {
    return this.anchor.y + (this.model.indexOf(seq) - this.anchor.row) * ROW_HEIGHT;
  }
}
