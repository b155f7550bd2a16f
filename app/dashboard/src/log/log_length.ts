/** How long a log is before any of it is loaded, as far as the run knows. */
import type { LogRecord, Run } from '../api/mapping';
import { type Filters, isFiltered, passes } from './filters';
import { PageCache } from './page_cache';

export function createCache(run: Run, filters: Filters): PageCache {
  if (!isFiltered(filters)) return new PageCache(0, run.lastSeq, run.lastSeq, false);
  const { step, attempt, level, text } = filters;
  const bounds = attempt ?? run.steps.find(({ name }) => name === step);
  const after = step === null ? 0 : (bounds?.firstSeq ?? run.lastSeq + 1) - 1;
  const upTo = step === null ? run.lastSeq : (bounds?.lastSeq ?? run.lastSeq);
  const total = Object.values(run.levelCounts).reduce((sum, count) => sum + count, 0) || 1;
  // How many lines contain a text is unknown until the first page has arrived.
  const share = text ? 0 : level === null ? 1 : countAtLeast(run, filters) / total;
  return new PageCache(Math.min(after, upTo), upTo, Math.round((upTo - after) * share), true);
}

function countAtLeast(run: Run, filters: Filters): number {
  const ofLevel: Filters = { ...filters, step: null, attempt: null, stream: null };
  const levels = Object.entries(run.levelCounts) as [LogRecord['level'], number][];
  return levels.reduce((sum, [level, count]) => sum + (passes({ level } as LogRecord, ofLevel) ? count : 0), 0);
}
