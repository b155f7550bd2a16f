/**
 * The rows of a log and which of them are loaded: spans cover the log's seqs from end to end. The row count of an
 * unloaded span is an estimate (exact without filters), so that a log of any length needs only a few pages in memory.
 * Makes no requests: `missing` lists the pages to request, `fill` adds a page, `append` adds records from the stream.
 */
import type { LogRecord } from '../api/mapping';
import { withContext } from './context';
import type { PageRequest } from './log_query';
import { type Fold, type Hidden, type Row, countFolded, isFolded, reaching, toPage } from './rows';
import { NONE, type Span, guess, unloaded } from './span';

export const PAGE = 1000;
const MAX_LOADED = 24;
/** More than a view draws. More pages stay loaded if they have fewer rows, as pages of folded progress do. */
const MIN_ROWS = 250;

export class PageCache {
  private spans: Span[] = [];
  private clock = 0;
  private hidden: Hidden = { folds: [], progress: false };
  private context: readonly Row[] = [];

  /** The log from `after` to `upTo`. About `matches` of its records pass the filters, if `filtered` is set. */
  constructor(
    after: number,
    upTo: number,
    private matches: number,
    private readonly filtered: boolean,
  ) {
    if (upTo > after) this.spans.push(unloaded(after, upTo, matches));
  }

  get length(): number {
    return this.spans.reduce((sum, span) => sum + span.count, 0);
  }

  get upTo(): number {
    return this.spans[this.spans.length - 1]?.upTo ?? 0;
  }

  get isComplete(): boolean {
    return this.spans.every((span) => span.records !== null);
  }

  /** The rows starting at index `from`; undefined for rows that are not loaded. */
  rows(from: number, count: number): (Row | undefined)[] {
    const found: (Row | undefined)[] = [];
    let start = 0;
    for (const span of this.spans) {
      if (found.length >= count) break;
      const end = start + span.count;
      for (let i = Math.max(from, start); i < end && found.length < count; i++) found.push(span.rows[i - start]);
      if (span.records && end > from) span.usedAt = ++this.clock;
      start = end;
    }
    return found;
  }

  /** The index of the row that contains `seq`, or else of the first row after it. An estimate if it is not loaded. */
  indexOf(seq: number): number {
    let start = 0;
    for (const span of this.spans) {
      if (seq <= span.upTo) {
        if (seq <= span.after) return start;
        if (!span.records) return start + Math.floor((span.count * (seq - span.after - 1)) / (span.upTo - span.after));
        const index = span.rows.findIndex((row) => row.seq >= seq);
        return start + (index < 0 ? span.count : index);
      }
      start += span.count;
    }
    return Math.max(0, start - 1);
  }

  seqAt(index: number): number {
    let start = 0;
    for (const span of this.spans) {
      if (index < start + span.count) return span.rows[index - start]?.seq ?? guess(span, index - start);
      start += span.count;
    }
    return this.upTo;
  }

  isLoaded(seq: number): boolean {
    return this.spans.some((span) => span.records !== null && span.after < seq && seq <= span.upTo);
  }

  /** Loaded records in order, starting at `seq` and ending at the first gap. */
  *loadedFrom(seq: number): Generator<LogRecord> {
    for (const span of this.spans) {
      if (span.upTo < seq) continue;
      if (!span.records) return;
      for (const record of span.records) if (record.seq >= seq) yield record;
    }
  }

  /** The records at the end, as far as they are loaded together. */
  lastLoaded(): readonly LogRecord[] {
    return this.spans[this.spans.length - 1]?.records ?? [];
  }

  /** The pages to request for the rows `from` to `to` (exclusive). */
  missing(from: number, to: number): PageRequest[] {
    const requests: PageRequest[] = [];
    let start = 0;
    for (const span of this.spans) {
      const end = start + span.count;
      if (!span.records && start < to && (end > from || (span.count === 0 && start >= from))) {
        requests.push(
          this.filtered
            ? this.requestFiltered(span, from - start, to - start)
            : this.requestPage(span, Math.max(0, from - start)),
        );
        if (!this.filtered) this.requestNextPage(span, to - start, requests);
      }
      start = end;
    }
    return requests;
  }

  /** Adds a page: all matching records between two seqs. Ignored unless it fits into an unloaded span. */
  fill(after: number, upTo: number, records: readonly LogRecord[], matches: number): void {
    const at = this.spans.findIndex((span) => !span.records && span.after <= after && upTo <= span.upTo);
    const span = this.spans[at];
    if (!span || upTo <= after) return;
    const parts: Span[] = [];
    const share = (seqs: number): number => Math.round((span.count * seqs) / (span.upTo - span.after));
    if (after > span.after) parts.push(unloaded(span.after, after, share(after - span.after)));
    parts.push(this.loaded(after, upTo, [...records]));
    if (upTo < span.upTo) parts.push(unloaded(upTo, span.upTo, share(span.upTo - upTo)));
    this.spans.splice(at, 1, ...parts);
    this.build(after > span.after ? at + 1 : at);
    this.matches = Math.max(matches, this.matches);
    this.estimate();
    this.evict();
  }

  /** Adds records without gaps between them, as far as they are not loaded yet. */
  fillGaps(records: readonly LogRecord[]): void {
    for (const { after, upTo } of this.spans.filter((span) => !span.records)) {
      const missing = records.filter(({ seq }) => after < seq && seq <= upTo);
      if (missing.length) this.fill(missing[0]!.seq - 1, missing[missing.length - 1]!.seq, missing, 0);
    }
  }

  /** Adds records from the stream: all matching records with seqs from `after` to `upTo`. */
  append(after: number, upTo: number, records: readonly LogRecord[]): void {
    if (upTo <= this.upTo) return;
    const fresh = records.filter((record) => record.seq > this.upTo);
    this.matches += fresh.length;
    if (after > this.upTo) this.extend(after, this.filtered ? 0 : after - this.upTo);
    const tail = this.spans[this.spans.length - 1];
    if (tail?.records && tail.records.length + fresh.length <= PAGE) {
      tail.records.push(...fresh);
      tail.upTo = upTo;
      this.buildOne(this.spans.length - 1);
    } else {
      this.spans.push(this.loaded(this.upTo, upTo, fresh));
      this.buildOne(this.spans.length - 1);
      this.evict();
    }
  }

  /** Extends the log to `upTo` with an unloaded span, of which `matches` records pass the filters. */
  extend(upTo: number, matches: number): void {
    const tail = this.spans[this.spans.length - 1];
    if (upTo <= this.upTo) return;
    if (tail && !tail.records) {
      tail.upTo = upTo;
      tail.count += matches;
    } else this.spans.push(unloaded(this.upTo, upTo, matches));
  }

  /** This many records pass the filters. Where they are between the loaded ones remains an estimate. */
  setTotal(matches: number): void {
    this.matches = matches;
    this.estimate();
  }

  /** Hides folded records and, if `progress` is set, merges the progress reports of each step. */
  hide(folds: readonly Fold[], progress: boolean): void {
    this.hidden = { folds, progress };
    this.rebuild();
  }

  /** Shows these lines beside the matches, in place of earlier ones. */
  showContext(rows: readonly Row[]): void {
    this.context = rows;
    this.rebuild();
  }

  private rebuild(): void {
    this.spans.forEach((span, at) => span.records && this.buildOne(at));
    this.estimate();
  }

  private loaded(after: number, upTo: number, records: LogRecord[]): Span {
    return { after, upTo, records, rows: [], unfinished: NONE, count: 0, usedAt: ++this.clock };
  }

  /** Builds the rows of a span, and of the spans next to it that share a row with it. */
  private build(at: number): void {
    let first = at;
    while (this.sharesRows(first)) first--;
    for (let i = first; this.spans[i]?.records; i++) {
      const shared = this.sharesRows(i + 1);
      this.buildOne(i);
      if (i > at && !shared && !this.sharesRows(i + 1)) break;
    }
  }

  /** Whether a span may continue rows of those before it. */
  private sharesRows(at: number): boolean {
    return reaching(this.spans[at]?.records?.[0], this.spans[at - 1]?.unfinished ?? NONE).length > 0;
  }

  private buildOne(at: number): void {
    const span = this.spans[at]!;
    const page = toPage(span.records ?? [], this.hidden, this.spans[at - 1]?.unfinished);
    const context = this.context.filter(
      ({ seq }) => span.after < seq && seq <= span.upTo && !isFolded(seq, this.hidden.folds),
    );
    span.rows = context.length ? withContext(page.rows, context) : page.rows;
    span.unfinished = page.unfinished;
    span.count = span.rows.length;
    let left = page.continued.size;
    for (let i = at - 1; left > 0 && this.spans[i]?.records; i--) {
      const earlier = this.spans[i]!;
      earlier.rows = earlier.rows.filter((row) => !page.continued.has(row));
      left -= earlier.count - earlier.rows.length;
      earlier.count = earlier.rows.length;
    }
  }

  private requestPage(span: Span, index: number): PageRequest {
    const page = Math.floor((guess(span, index) - 1) / PAGE) * PAGE;
    return { after: Math.max(span.after, page), before: Math.min(span.upTo, page + PAGE) + 1 };
  }

  private requestNextPage(span: Span, lastIndex: number, requests: PageRequest[]): void {
    const previous = requests[requests.length - 1]!;
    const reached = previous.before - 1;
    if (reached < span.upTo && lastIndex < span.count && guess(span, lastIndex) > reached)
      requests.push({ after: reached, before: Math.min(span.upTo, reached + PAGE) + 1 });
  }

  /** Requests a page from a little before the rows in view, or backwards from the end of the span if that is near. */
  private requestFiltered(span: Span, from: number, to: number): PageRequest {
    if (span.count <= PAGE) return { after: span.after, before: span.upTo + 1 };
    if (span.count - to < PAGE / 2) return { before: span.upTo + 1 };
    return { after: guess(span, from - PAGE / 4) - 1, before: span.upTo + 1 };
  }

  /** Distributes the remaining matches over the unloaded spans, by their length. */
  private estimate(): void {
    const missing = this.spans.filter(({ records }) => !records);
    if (!this.filtered) {
      for (const span of missing) span.count = span.upTo - span.after - countFolded(span, this.hidden.folds);
      return;
    }
    const here = this.spans.reduce((sum, span) => sum + (span.records?.length ?? 0), 0);
    const seqs = missing.reduce((sum, span) => sum + span.upTo - span.after, 0);
    const left = Math.max(0, this.matches - here);
    for (const span of missing) span.count = Math.round((left * (span.upTo - span.after)) / seqs);
  }

  /** Evicts the least recently used pages. The last one stays, because the stream appends to it. */
  private evict(): void {
    for (;;) {
      const here = this.spans.slice(0, -1).filter((span) => span.records);
      if (here.length < MAX_LOADED || here.reduce((sum, { count }) => sum + count, 0) < MIN_ROWS) return;
      const oldest = here.reduce((a, b) => (a.usedAt <= b.usedAt ? a : b));
      const at = this.spans.indexOf(oldest);
      this.spans[at] = unloaded(oldest.after, oldest.upTo, oldest.count);
      for (const beside of [at - 1, at + 1]) if (this.spans[beside]?.records) this.build(beside);
      this.join(at);
      this.join(at - 1);
    }
  }

  private join(at: number): void {
    const [left, right] = [this.spans[at], this.spans[at + 1]];
    if (!left || !right || left.records || right.records) return;
    this.spans.splice(at, 2, unloaded(left.after, right.upTo, left.count + right.count));
  }
}
