/** What the log reports to the page around it. */

export interface LogViewEvents {
  following(on: boolean): void;
  /** The log has rows, or none because of the filters. */
  empty(on: boolean): void;
  /** A line number was clicked; with shift, the click extends the marked range. */
  mark(seq: number, extend: boolean): void;
  toggleGroup(seq: number): void;
  /** The lines around a match are to be shown, or hidden again. */
  toggleContext(seq: number): void;
  /** Folded progress is to be shown. */
  unfoldProgress(): void;
  readerMoved(): void;
  /** The log is drawn, and shows this time. */
  drawn(sight: Sight | null): void;
}

/** From the first line in view to the last one. In milliseconds. */
export interface Sight {
  readonly from: number;
  readonly upTo: number;
  /** Whether the numbers of the lines skip. */
  readonly skips: boolean;
}

/** The first line in view, and the distance of its upper edge from the top of the pane in pixels; or the end. */
export type LogPlace = { readonly seq: number; readonly y: number } | 'end';
