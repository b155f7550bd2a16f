/**
 * Full-log search, done by the service: the matching records, the current match, and the total. Keeps one page of matches
 * around the current one and loads another at its ends.
 */
import type { LogRecord } from '../api/mapping';
import type { TextFinder } from './finding';
import type { ReadLog } from './log_model';
import { LiveSearch } from './live_search';

const PAGE = 1000;

export class Matches {
  private seqs: number[] = [];
  /** Number of matches before `seqs[0]`; null if unknown. */
  private skipped: number | null = 0;
  private moreBefore = false;
  private moreAfter = false;
  private request: AbortController | null = null;
  total = 0;
  hasFailed = false;
  current: number | null = null;
  private readonly live: LiveSearch;

  /** `passes`: whether a record of the stream passes the filters of `query`. */
  constructor(
    private readonly text: TextFinder,
    private readonly query: ReadLog,
    private readonly passes: (record: LogRecord) => boolean = () => true,
  ) {
    this.live = new LiveSearch(text);
  }

  get isSearching(): boolean {
    return this.request !== null;
  }

  /** Stops the request that is under way. The service stops reading the log for it. */
  close(): void {
    this.request?.abort();
  }

  /** The seqs of all matches; null if only a page of them is loaded. */
  get all(): readonly number[] | null {
    return this.moreBefore || this.moreAfter ? null : this.seqs;
  }

  /** Position of the current match, from 1; null if unknown. */
  get position(): number | null {
    const at = this.current === null ? -1 : this.seqs.indexOf(this.current);
    return at < 0 || this.skipped === null ? null : this.skipped + at + 1;
  }

  /** Loads the matches and selects the first at or after `seq`, or else the last. */
  async start(seq: number): Promise<number | null> {
    await this.load({});
    if (this.moreBefore && (this.seqs[0] ?? 0) > seq) await this.load({ after: seq - 1 });
    this.current = this.seqs.find((found) => found >= seq) ?? this.seqs[this.seqs.length - 1] ?? null;
    return this.current;
  }

  /** Selects the next match in this direction, wrapping around at the ends. */
  async go(direction: 1 | -1): Promise<number | null> {
    if (this.current === null) return null;
    let at = this.seqs.indexOf(this.current) + direction;
    if (at >= this.seqs.length) {
      await this.load(this.moreAfter ? { after: this.seqs[this.seqs.length - 1] ?? 0 } : { after: 0 });
      at = 0;
    } else if (at < 0) {
      await this.load(this.moreBefore ? { before: this.seqs[0] ?? 0 } : {});
      at = this.seqs.length - 1;
    }
    this.current = this.seqs[at] ?? null;
    return this.current;
  }

  /** Takes the records before those of the stream, whose lines may continue in it. */
  precede(records: Iterable<LogRecord>): void {
    for (const record of records) this.live.endsIn(record);
  }

  /** Adds matching records from the stream. */
  append(records: readonly LogRecord[]): void {
    for (const record of records) {
      if (!this.live.endsIn(record) || !this.passes(record)) continue;
      const isKnown = !this.moreAfter && record.seq <= (this.seqs[this.seqs.length - 1] ?? 0);
      if (isKnown) continue;
      this.total++;
      if (this.moreAfter || this.seqs.length >= 2 * PAGE) this.moreAfter = true;
      else this.seqs.push(record.seq);
    }
  }

  private async load(bounds: { after?: number; before?: number }): Promise<void> {
    this.close();
    const request = (this.request = new AbortController());
    const page = await this.query({ ...bounds, ...this.text.query, limit: PAGE }, request.signal)
      .catch((error: unknown) => {
        this.hasFailed = !request.signal.aborted;
        throw error;
      })
      .finally(() => {
        if (this.request === request) this.request = null;
      });
    this.hasFailed = false;
    const { skipped, seqs } = this;
    this.seqs = page.records.map((record) => record.seq);
    this.total = page.totalMatches;
    this.moreBefore = page.moreBefore;
    this.moreAfter = page.moreAfter;
    if (!page.moreBefore) this.skipped = 0;
    else if (!page.moreAfter) this.skipped = page.totalMatches - this.seqs.length;
    else if (bounds.after !== undefined && bounds.after === seqs[seqs.length - 1] && skipped !== null)
      this.skipped = skipped + seqs.length;
    else if (bounds.before !== undefined && bounds.before === seqs[0] && skipped !== null)
      this.skipped = skipped - this.seqs.length;
    else this.skipped = null;
  }
}
