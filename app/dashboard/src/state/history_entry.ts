/** Brings the reader back to the place where they left a page. The place is kept in the page's history entry. */

/** The scroll position of the page, the line of the log, and the number of runs in a list. */
export interface Place {
  readonly scrollY?: number;
  readonly line?: number;
  readonly rows?: number;
}

const parts = new Set<() => Place>();
let restoring: AbortController | null = null;

/** The place in the current entry. */
export const keptPlace = (): Place => (history.state as Place | null) ?? {};

/** Adds a part of the place that is kept when the page is left. Returns a function that removes it. */
export function keepWhileShown(part: () => Place): () => void {
  parts.add(part);
  return () => void parts.delete(part);
}

/** Call before another entry is added. */
export function keepPlace(): void {
  restoring?.abort();
  history.replaceState(Object.assign({ ...keptPlace(), scrollY }, ...[...parts].map((part) => part())), '');
}

/** Scrolls as soon as the page is tall enough again, unless the reader does something else first. */
export function restoreScroll(): void {
  restoring?.abort();
  const { scrollY: wanted } = keptPlace();
  if (wanted === undefined) return;
  const { signal } = (restoring = new AbortController());
  const stop = (): void => restoring?.abort();
  const observer = new ResizeObserver(() => {
    scrollTo(0, wanted);
    if (Math.abs(scrollY - wanted) < 2) observer.disconnect();
  });
  signal.addEventListener('abort', () => observer.disconnect());
  for (const type of ['wheel', 'pointerdown', 'keydown']) addEventListener(type, stop, { signal });
  observer.observe(document.body);
}

// The browser restores the scroll position of a page that is still too short for it.
history.scrollRestoration = 'manual';
addEventListener('pagehide', keepPlace);
