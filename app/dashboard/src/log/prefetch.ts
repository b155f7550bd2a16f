/**
 * The end of a log, asked for as soon as an address names its run: together with the run and the code that shows it,
 * not after them. Whoever opens a live log takes it.
 */
import { readLog } from '../api/client';
import type { LogPage } from '../api/mapping';
import { TAIL_RECORDS } from '../state/routes';

let asked: { readonly id: number; readonly page: Promise<LogPage> } | null = null;

export function prefetchTail(id: number): void {
  const page = readLog(id, { limit: TAIL_RECORDS });
  page.catch(() => undefined);
  asked = { id, page };
}

/** The answer, once; null if nobody asked. */
export function takePrefetchedTail(id: number): Promise<LogPage> | null {
  const page = asked?.id === id ? asked.page : null;
  asked = null;
  return page;
}
