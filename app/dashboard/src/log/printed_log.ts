/**
 * The log on paper. The window shows the rows in view; a page that is printed has all that are loaded around them. A page
 * cannot load more once the browser prints, so the shortcut to print loads them first.
 */
import { formatCount } from '../runs/format';
import { isFiltered } from './filters';
import type { LogModel } from './log_model';
import { type LogViewOptions, RowList } from './row_list';
import { make } from './row_text';
import type { Row } from './rows';

/** About 40 pages of paper. */
const MAX_PRINTED = 2000;
const MAX_WAIT_MS = 5000;
const PAUSE_MS = 20;

/** While the page is printed, `pane` has a second list of rows. `view` returns the first row in view, and how to draw. */
export function printInFull(
  pane: HTMLElement,
  model: LogModel,
  view: () => [row: number, options: LogViewOptions],
  signal: AbortSignal,
): void {
  let printed: HTMLElement | null = null;
  const remove = (): void => printed?.remove();
  const add = (): void => {
    remove();
    pane.append((printed = draw(model, ...view())));
  };
  const print = async (event: KeyboardEvent): Promise<void> => {
    if (event.key !== 'p' || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
    event.preventDefault();
    await loadAround(model, view()[0]);
    window.print();
  };
  window.addEventListener('keydown', (event) => void print(event), { signal });
  window.addEventListener('beforeprint', add, { signal });
  window.addEventListener('afterprint', remove, { signal });
}

function draw(model: LogModel, row: number, options: LogViewOptions): HTMLElement {
  const { first, rows } = loadedAround(model, row);
  const list = new RowList(model);
  list.draw(rows, options, new Set(), first > 0 ? model.rows(first - 1, 1)[0] : undefined);
  const printed = make('div', 'printed');
  printed.append(
    ...note(isFiltered(model.filters) ? 'Only the lines that match the filters are printed.' : ''),
    ...note(countOf(first, 'earlier')),
    list.element,
    ...note(countOf(model.length - first - rows.length, 'later')),
  );
  return printed;
}

const startAround = (model: LogModel, row: number): number =>
  Math.max(0, Math.min(row - MAX_PRINTED / 2, model.length - MAX_PRINTED));

/** Loads the rows to print, or as many as arrive in time. */
async function loadAround(model: LogModel, row: number): Promise<void> {
  const until = performance.now() + MAX_WAIT_MS;
  const from = startAround(model, row);
  while (model.rows(from, MAX_PRINTED).includes(undefined) && performance.now() < until) {
    model.load(from, from + MAX_PRINTED - 1);
    await new Promise((done) => setTimeout(done, PAUSE_MS));
  }
}

/** The rows next to each other that are loaded, and include this one. */
function loadedAround(model: LogModel, row: number): { first: number; rows: readonly Row[] } {
  const from = startAround(model, row);
  const near = model.rows(from, MAX_PRINTED);
  const before = near.lastIndexOf(undefined, row - from);
  const after = near.indexOf(undefined, row - from);
  const rows = near.slice(before + 1, after < 0 ? undefined : after);
  return { first: from + before + 1, rows: rows.filter((one) => one !== undefined) };
}

const countOf = (count: number, which: string): string =>
  count > 0 ? `${formatCount(count)} ${which} ${count === 1 ? 'line is' : 'lines are'} not printed.` : '';

const note = (text: string): HTMLElement[] => (text ? [make('p', 'muted', text)] : []);
