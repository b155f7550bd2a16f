/** Brings the reader back to where they left a page. The position is kept in the page's history entry. */

let restoring: AbortController | null = null;

/** Call before another entry is added. */
export function keepScroll(): void {
  restoring?.abort();
  history.replaceState({ scrollY }, '');
}

/** Scrolls as soon as the page is tall enough again, unless the reader does something else first. */
export function restoreScroll(): void {
  restoring?.abort();
  const wanted = (history.state as { scrollY?: number } | null)?.scrollY;
  if (!wanted) return;
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
