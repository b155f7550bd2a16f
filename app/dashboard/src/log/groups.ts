/** Finds where groups end, to fold them. */
import type { LogPage, LogRecord } from '../api/mapping';
import type { LogQuery } from './log_query';
import { PAGE } from './page_cache';
import { type Fold, closesGroup } from './rows';

type Read = (query: LogQuery) => Promise<LogPage>;

/** Of a log with more groups, only the first ones are folded together. */
const MAX_PAGES = 5;

/** The seq of the group's last record: the one before the group's own end, or else the last of its step. */
export async function findGroupEnd(
  seq: number,
  lastSeq: number,
  loaded: Iterable<LogRecord>,
  read: Read,
): Promise<number> {
  let reached = seq;
  let depth = 1;
  const scan = (records: Iterable<LogRecord>): number | null => {
    for (const record of records) {
      if (record.event === 'step') return record.seq - 1;
      if (closesGroup(record)) depth--;
      else if (record.event === 'group') depth++;
      if (depth === 0) return record.seq - 1;
      reached = record.seq;
    }
    return null;
  };
  const here = scan(loaded);
  if (here !== null) return here;
  while (reached < lastSeq) {
    const page = await read({ after: reached, limit: PAGE });
    const found = scan(page.records);
    if (found !== null) return found;
    if (!page.moreAfter) break;
  }
  return reached;
}

/** What the outermost groups hide, in a log that ends at `upTo`. */
export async function findGroups(upTo: number, read: Read): Promise<Fold[]> {
  const found: Fold[] = [];
  let opened: number | null = null;
  let depth = 0;
  const close = (seq: number): void => {
    if (opened !== null && seq > opened + 1) found.push({ from: opened + 1, upTo: seq - 1 });
    [opened, depth] = [null, 0];
  };
  let after: number | null = 0;
  for (let pages = 0; after !== null && pages < MAX_PAGES; pages++) {
    const page: LogPage = await read({ after, event: ['group', 'step'], limit: PAGE });
    for (const record of page.records) {
      if (record.event === 'step') close(record.seq);
      else if (!closesGroup(record)) {
        if (depth++ === 0) opened = record.seq;
      } else if (depth > 0 && --depth === 0) close(record.seq);
    }
    after = page.next;
  }
  if (after === null) close(upTo + 1);
  return found;
}
