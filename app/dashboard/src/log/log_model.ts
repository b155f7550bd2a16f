/**
 * A run's log as the view sees it: rows, filled from pages and from the stream. Loads the rows that the view needs, keeps
 * few pages in memory, and reports changes. Does not touch the DOM.
 */
import type { LogPage, LogRecord, Run } from '../api/mapping';
import { type Context, belongsTo, readContext } from './context';
import { MAX_COPIED } from './copying';
import { type Filters, type LineRange, isFiltered, passes } from './filters';
import { findGroupEnd, findGroups } from './groups';
import { type Fold, type Hidden, type Row, isFolded } from './rows';
import { LiveSearch } from './live_search';
import type { LogQuery, PageRequest, ReadLog } from './log_query';
import { createCache } from './log_length';
import { PAGE, PageCache } from './page_cache';

const MAX_READS = 2;
/** The records that one search for a page reads. The first page is short: what it shows first is near. */
const FIRST_SCAN = 50_000;
const SCAN = 300_000;
const RETRY_AFTER_MS = 1500;

export class LogModel {
  private cache = new PageCache(0, 0, 0, false);
  private readonly reading = new Map<string, PageRequest>();
  private failedAt = -Infinity;
  private abort = new AbortController();
  private folds: Fold[] = [];
  private contexts: readonly Context[] = [];
  private filtered = false;
  private foldsProgress = false;
  /** The last seq of the log when it was opened. */
  private openedAt = 0;
  private awaitsTail = false;
  private hasRead = false;
  private isCounted = false;
  private reportShown = (): void => undefined;
  /** Resolves when all rows in view are loaded, or cannot be. */
  shown: Promise<void> = Promise.resolve();
  private live: LiveSearch | null = null;
  filters: Filters = { step: null, level: null, stream: null, text: null };
  /** Called with each change that may move rows, so that the view can apply it and keep its scroll position. */
  onChange: (change: () => void) => void = (change) => change();

  constructor(private readonly read: ReadLog) {}

  get length(): number {
    return this.cache.length;
  }

  /** The last known seq of the log. */
  get upTo(): number {
    return this.cache.upTo;
  }

  /** Starts over with these filters. `run` knows the length of the log; `tail` is its last page, if prefetched. */
  open(run: Run, filters: Filters, tail: Promise<LogPage> | null = null): void {
    this.close();
    this.abort = new AbortController();
    this.filters = filters;
    this.folds = [];
    this.contexts = [];
    this.hasRead = this.isCounted = false;
    this.shown = new Promise((resolve) => (this.reportShown = resolve));
    this.filtered = isFiltered(filters);
    this.live = filters.text ? new LiveSearch(filters.text) : null;
    this.openedAt = run.lastSeq;
    this.onChange(() => {
      this.cache = createCache(run, filters);
      this.cache.hide(this.folds, this.foldsProgress);
    });
    void this.fillTail(this.filtered ? null : tail);
  }

  close(): void {
    this.abort.abort();
    this.reading.clear();
  }

  rows(from: number, count: number): (Row | undefined)[] {
    return this.cache.rows(from, count);
  }

  indexOf(seq: number): number {
    return this.cache.indexOf(seq);
  }

  seqAt(index: number): number {
    return this.cache.seqAt(index);
  }

  isLoaded(seq: number): boolean {
    return this.cache.isLoaded(seq);
  }

  /** The rows of a range; null if some are not loaded. */
  loadedRows({ from, upTo }: LineRange): readonly Row[] | null {
    const first = this.indexOf(from);
    const count = this.indexOf(upTo) - first + 1;
    const rows = count > MAX_COPIED ? [undefined] : this.cache.rows(first, count);
    return rows.every((row) => row !== undefined) ? rows : null;
  }

  /** Whether this record is loaded, and in no folded group. */
  isShown(seq: number): boolean {
    return this.cache.isLoaded(seq) && !isFolded(seq, this.folds);
  }

  /** Whether this record is loaded, and hidden because progress is folded. */
  isFoldedProgress(seq: number): boolean {
    const [row] = this.cache.rows(this.cache.indexOf(seq), 1);
    return this.foldsProgress && this.isShown(seq) && row !== undefined && seq < (row.updates ? row.seq : row.firstSeq);
  }

  /** Whether no record passes the filters, or all that do are hidden. */
  get isEmpty(): boolean {
    return this.upTo > 0 && this.length === 0 && this.cache.isComplete;
  }

  /** Loads the missing ones of these rows, then calls `onChange`. */
  load(from: number, to: number): void {
    if (this.awaitsTail || performance.now() - this.failedAt < RETRY_AFTER_MS) return;
    const missing = this.cache.missing(from, to);
    if (!missing.length) this.reportShown();
    for (const request of missing) {
      const key = `${request.after ?? ''}-${request.before}`;
      if (this.reading.size >= MAX_READS) return;
      if (!this.reading.has(key)) void this.readPage(key, request);
    }
  }

  /** Adds records from the stream, in order. Known records are skipped. */
  append(records: readonly LogRecord[]): void {
    const [first, last] = [records[0], records[records.length - 1]];
    if (!first || !last || last.seq <= this.upTo) return;
    const passing = this.filtered ? records.filter((record) => this.passes(record)) : records;
    this.onChange(() => this.cache.append(first.seq - 1, last.seq, passing));
  }

  /** The log continues to `lastSeq`, although the stream did not deliver it. */
  extend(lastSeq: number): void {
    if (lastSeq <= this.upTo) return;
    this.onChange(() => this.cache.extend(lastSeq, this.filtered ? 0 : lastSeq - this.upTo));
  }

  isFolded(seq: number): boolean {
    return this.folds.some((fold) => fold.from === seq + 1);
  }

  get hidden(): Hidden {
    return { folds: this.folds, progress: this.foldsProgress };
  }

  /** Folds or unfolds the group that the record `seq` opens. */
  async toggleGroup(seq: number, run: Run): Promise<void> {
    const folded = this.isFolded(seq);
    const loaded = this.cache.loadedFrom(seq + 1);
    const end = folded ? 0 : await findGroupEnd(seq, run.lastSeq, loaded, this.readAll);
    if (!folded && end <= seq) return;
    this.folds = folded
      ? this.folds.filter((fold) => fold.from !== seq + 1)
      : [...this.folds, { from: seq + 1, upTo: end }];
    this.onChange(() => this.cache.hide(this.folds, this.foldsProgress));
  }

  /** Folds all groups, or unfolds them if one is folded. */
  async toggleAllGroups(): Promise<void> {
    this.folds = this.folds.length ? [] : await findGroups(this.upTo, this.readAll);
    this.onChange(() => this.cache.hide(this.folds, this.foldsProgress));
  }

  /** Unfolds the groups that hide this record. */
  reveal(seq: number): void {
    const folds = this.folds.filter((fold) => seq < fold.from || fold.upTo < seq);
    if (folds.length === this.folds.length) return;
    this.folds = folds;
    this.onChange(() => this.cache.hide(folds, this.foldsProgress));
  }

  hasContext(row: Row): boolean {
    return this.contexts.some((context) => belongsTo(row, context));
  }

  /** Shows the lines before and after the match `seq`, or hides them again. */
  async toggleContext(seq: number): Promise<void> {
    const [row] = this.cache.rows(this.cache.indexOf(seq), 1);
    if (!row || !this.filters.text) return;
    const { signal } = this.abort;
    const opened = this.hasContext(row) ? null : await readContext(row, this.readFiltered, signal);
    if (signal.aborted) return;
    const others = this.contexts.filter((context) => !belongsTo(row, context));
    this.contexts = opened ? [...others, opened] : others;
    this.onChange(() => this.cache.showContext(this.contexts.flatMap(({ rows }) => rows)));
  }

  foldProgress(on: boolean): void {
    if (on === this.foldsProgress) return;
    this.foldsProgress = on;
    this.onChange(() => this.cache.hide(this.folds, on));
  }

  /** Queries the log with the current filters, bypassing the cache. */
  query(query: LogQuery, signal = this.abort.signal): Promise<LogPage> {
    return this.readFiltered({ ...this.filters.text?.query, ...query }, signal);
  }

  /** The seqs of all records that pass the filters; null unless all are loaded. */
  loadedSeqs(): readonly number[] | null {
    return this.cache.isComplete ? Array.from(this.cache.loadedFrom(0), ({ seq }) => seq) : null;
  }

  /** A search has counted the records that pass the filters. Of a frequent text, their number remains an estimate. */
  setTotal(matches: number): void {
    this.isCounted = true;
    this.onChange(() => this.cache.setTotal(matches));
  }

  /** Searches for another text than that of the filters. Keeps the lines around the first match that it finds. */
  async search(query: LogQuery, signal: AbortSignal): Promise<LogPage> {
    const page = await this.readFiltered(query, signal);
    if (!this.filtered && !signal.aborted) this.onChange(() => this.cache.fillGaps(page.context));
    return page;
  }

  /** Reads the log with all filters other than that by text. */
  private readonly readFiltered: ReadLog = (query, signal) => {
    const { step, attempt, level, stream } = this.filters;
    const filters = {
      ...(step !== null && { step }),
      ...(attempt && { attempt: attempt.number }),
      ...(level !== null && { level }),
      ...(stream !== null && { stream }),
    };
    return this.read({ ...filters, ...query }, signal);
  };

  /** Reads the log without filters. */
  private readonly readAll = (query: LogQuery): Promise<LogPage> => this.read(query, this.abort.signal);

  lastLoaded(): readonly LogRecord[] {
    return this.cache.lastLoaded();
  }

  private passes(record: LogRecord): boolean {
    const contains = this.live?.endsIn(record) ?? true;
    return contains && passes(record, this.filters);
  }

  /** Nothing else is loaded until the tail arrives, because it contains the first rows in view. */
  private async fillTail(tail: Promise<LogPage> | null): Promise<void> {
    this.awaitsTail = tail !== null;
    const { signal } = this.abort;
    const records = (await tail?.catch(() => null))?.records ?? [];
    if (signal.aborted || !tail) return;
    this.awaitsTail = false;
    const known = records.filter((record) => record.seq <= this.openedAt);
    const [first, last] = [known[0], known[known.length - 1]];
    this.onChange(() => first && last && this.cache.fill(first.seq - 1, last.seq, known, 0));
    this.append(records.slice(known.length));
  }

  private async readPage(key: string, request: PageRequest): Promise<void> {
    this.reading.set(key, request);
    const { signal } = this.abort;
    try {
      // How many lines contain a text is unknown: counting them would take long.
      const scan = this.hasRead ? SCAN : FIRST_SCAN;
      const page = await this.query({ ...request, limit: PAGE, ...(this.filters.text && { scan }) });
      if (signal.aborted) return;
      this.hasRead = true;
      this.reading.delete(key);
      const [after, upTo] = covered(request, page);
      const share = this.filters.text ? this.cache.upTo / (upTo - after) : 1;
      const total = this.isCounted ? 0 : Math.round(page.totalMatches * share);
      this.onChange(() => this.cache.fill(after, upTo, page.records, total));
    } catch {
      if (signal.aborted) return;
      this.reading.delete(key);
      this.failedAt = performance.now();
      this.reportShown();
      setTimeout(() => signal.aborted || this.onChange(() => undefined), RETRY_AFTER_MS);
    }
  }
}

/** The range of seqs that a page covers. A page that a limit has cut covers nothing beyond its own records. */
function covered({ after, before }: PageRequest, { next }: LogPage): [after: number, upTo: number] {
  if (after === undefined) return [next === null ? 0 : next - 1, before - 1];
  return [after, next ?? before - 1];
}
