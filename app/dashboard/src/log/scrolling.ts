/**
 * Where a reader stands in a log of any length, and what that means for a scrollbar. Pure arithmetic: rows and pixels.
 * A browser's tallest element bounds the spacer, so beyond it one pixel of the scrollbar is more than one of the log.
 */
export const ROW_HEIGHT = 20;
/** Firefox lets what is sticky stand still beyond 2^29 of its units, 60 to a pixel: 8,947,848 pixels (measured in 153). */
const MAX_SPACER = 8_000_000;

/** A row, and how far its upper edge is from the top of the pane, in pixels. */
export interface Anchor {
  readonly row: number;
  readonly y: number;
}

export const spacerHeight = (total: number, rowHeight: number): number => Math.min(Math.ceil(total * rowHeight), MAX_SPACER);

export const isScaled = (total: number): boolean => total * ROW_HEIGHT > MAX_SPACER;

/** The share of the way, from 0 to 1, that the scrollbar has gone over a spacer. */
export function shareOf(scrollTop: number, spacer: number, paneHeight: number): number {
  const way = spacer - paneHeight;
  return way <= 0 ? 0 : Math.min(1, Math.max(0, scrollTop / way));
}

export const scrollTopOf = (share: number, spacer: number, paneHeight: number): number =>
  Math.max(0, share * (spacer - paneHeight));

/** The row at that share of the log stands at the same share of the pane: so both ends are reached, whatever the rows' heights. */
export function anchorAt(share: number, total: number, paneHeight: number): Anchor {
  const exact = share * total;
  const row = Math.min(Math.max(0, total - 1), Math.floor(exact));
  return { row, y: share * paneHeight - (exact - row) * ROW_HEIGHT };
}

/** The inverse, for the rows as they stand: `tops[i]` is where row `first + i` begins, the last entry where the last one ends. */
export function shareAt(first: number, tops: readonly number[], total: number, paneHeight: number): number {
  // How far below its place by the scrollbar a point of the log stands: from above (negative) to below within the pane.
  const below = (i: number): number => tops[i]! - ((first + i) / total) * paneHeight;
  for (let i = 0; i + 1 < tops.length; i++) {
    const [left, right] = [below(i), below(i + 1)];
    if (right < 0 && i + 2 < tops.length) continue;
    const within = left >= 0 || right === left ? 0 : Math.min(1, -left / (right - left));
    return Math.min(1, Math.max(0, (first + i + within) / total));
  }
  return 0;
}

/** The anchor after the pane moved by some pixels over rows of the usual height. */
export function moveAnchor(anchor: Anchor, pixels: number): Anchor {
  const y = anchor.y - pixels;
  const rows = Math.floor(-y / ROW_HEIGHT);
  return { row: anchor.row + rows, y: y + rows * ROW_HEIGHT };
}

/** Held within the log: the first row not below the top, the last not above the bottom. Rows of the usual height. */
export function clampAnchor(anchor: Anchor, total: number, paneHeight: number): Anchor {
  const top = anchor.row * ROW_HEIGHT - anchor.y;
  const inside = Math.max(0, Math.min(top, total * ROW_HEIGHT - paneHeight));
  const row = Math.floor(inside / ROW_HEIGHT);
  return { row, y: row * ROW_HEIGHT - inside };
}

/** A row brought into sight: a third of the pane stands above it. */
export const anchorInView = (row: number, paneHeight: number): Anchor => ({ row, y: Math.floor(paneHeight / 3 / ROW_HEIGHT) * ROW_HEIGHT });
