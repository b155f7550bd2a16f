/**
 * Converts between positions in a log of any length and the scrollbar. Pure arithmetic on rows and pixels. Browsers limit
 * the height of an element, so in a very long log one pixel of the scrollbar is more than one pixel of the log.
 */
export const ROW_HEIGHT = 20;
/** Firefox stops moving sticky elements at 2^29 units of 1/60 pixel: 8,947,848 pixels (measured in version 153). */
const MAX_SPACER = 8_000_000;

/** A row, and the distance of its upper edge from the top of the pane in pixels. */
export interface Anchor {
  readonly row: number;
  readonly y: number;
}

export const spacerHeight = (total: number, rowHeight: number): number =>
  Math.min(Math.ceil(total * rowHeight), MAX_SPACER);

export const isScaled = (total: number): boolean => total * ROW_HEIGHT > MAX_SPACER;

/** The scrollbar's position over the spacer, from 0 to 1. */
export function shareOf(scrollTop: number, spacer: number, paneHeight: number): number {
  const way = spacer - paneHeight;
  return way <= 0 ? 0 : Math.min(1, Math.max(0, scrollTop / way));
}

export const scrollTopOf = (share: number, spacer: number, paneHeight: number): number =>
  Math.max(0, share * (spacer - paneHeight));

/** Puts the row at this share of the log at the same share of the pane, so that both ends can be reached. */
export function anchorAt(share: number, total: number, paneHeight: number): Anchor {
  const exact = share * total;
  const row = Math.min(Math.max(0, total - 1), Math.floor(exact));
  return { row, y: share * paneHeight - (exact - row) * ROW_HEIGHT };
}

/** The inverse, for drawn rows: row `first + i` starts at `tops[i]`, and the last entry is the end of the last row. */
export function shareAt(first: number, tops: readonly number[], total: number, paneHeight: number): number {
  // Distance of a point in the log below its place by the scrollbar: negative above the sought point, positive below.
  const below = (i: number): number => tops[i]! - ((first + i) / total) * paneHeight;
  for (let i = 0; i + 1 < tops.length; i++) {
    const [left, right] = [below(i), below(i + 1)];
    if (right < 0 && i + 2 < tops.length) continue;
    const within = left >= 0 || right === left ? 0 : Math.min(1, -left / (right - left));
    return Math.min(1, Math.max(0, (first + i + within) / total));
  }
  return 0;
}

/** The anchor after scrolling by some pixels over rows of the default height. */
export function moveAnchor(anchor: Anchor, pixels: number): Anchor {
  const y = anchor.y - pixels;
  const rows = Math.floor(-y / ROW_HEIGHT);
  return { row: anchor.row + rows, y: y + rows * ROW_HEIGHT };
}

/** How far a key scrolls a pane of this height, in pixels; undefined for other keys. */
export function scrollOf({ key, shiftKey }: KeyboardEvent, paneHeight: number): number | undefined {
  const page = paneHeight - 2 * ROW_HEIGHT;
  const ways: Record<string, number> = {
    ArrowUp: -ROW_HEIGHT,
    ArrowDown: ROW_HEIGHT,
    PageUp: -page,
    PageDown: page,
    ' ': shiftKey ? -page : page,
  };
  return ways[key];
}

/** Keeps the anchor within the log: no space above the first row or below the last. For rows of the default height. */
export function clampAnchor(anchor: Anchor, total: number, paneHeight: number): Anchor {
  const top = anchor.row * ROW_HEIGHT - anchor.y;
  const inside = Math.max(0, Math.min(top, total * ROW_HEIGHT - paneHeight));
  const row = Math.floor(inside / ROW_HEIGHT);
  return { row, y: row * ROW_HEIGHT - inside };
}

/** An anchor that shows this row a third of the way down the pane. */
export const anchorInView = (row: number, paneHeight: number): Anchor => ({
  row,
  y: Math.floor(paneHeight / 3 / ROW_HEIGHT) * ROW_HEIGHT,
});
