/**
 * Prefetches the end of a run's log as soon as the address is known, in parallel with the run and with the page's code.
 * A live log opens with it.
 */
import { readLog } from '../api/client';
import type { LogPage } from '../api/mapping';
import { TAIL_RECORDS } from '../state/routes';

let prefetched: { readonly id: number; readonly page: Promise<LogPage> } | null = null;

export function prefetchTail(id: number): void {
  const page = readLog(id, { limit: TAIL_RECORDS });
  page.catch(() => undefined);
  prefetched = { id, page };
}

/** Returns the prefetched page once; null if there is none. */
export function takePrefetchedTail(id: number): Promise<LogPage> | null {
  const page = prefetched?.id === id ? prefetched.page : null;
  prefetched = null;
  return page;
}
