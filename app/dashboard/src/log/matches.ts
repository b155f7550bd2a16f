/**
 * Search over the whole log, on the service: which records match, which is the current one, how many there are. Holds
 * one page of matches around the current one and reads another when a reader goes beyond it.
 */
import type { LogPage, LogRecord } from '../api/mapping';
import type { LogQuery } from './log_model';
import { stripEscapes } from './ansi';

const PAGE = 1000;

export class Matches {
  private seqs: number[] = [];
  /** How many matches lie before `seqs[0]`; null if nobody knows (then a position has no number). */
  private skipped: number | null = 0;
  private moreBefore = false;
  private moreAfter = false;
  total = 0;
  current: number | null = null;

  constructor(
    readonly q: string,
    private readonly query: (query: LogQuery) => Promise<LogPage>,
  ) {}

  /** 1-based, or null when unknown. */
  get position(): number | null {
    const at = this.current === null ? -1 : this.seqs.indexOf(this.current);
    return at < 0 || this.skipped === null ? null : this.skipped + at + 1;
  }

  /** Reads the matches and goes to the first at or after `seq`; without one after it, to the last. */
  async start(seq: number): Promise<number | null> {
    await this.load({});
    if (this.moreBefore && (this.seqs[0] ?? 0) > seq) await this.load({ after: seq - 1 });
    this.current = this.seqs.find((found) => found >= seq) ?? this.seqs[this.seqs.length - 1] ?? null;
    return this.current;
  }

  /** The next match in that direction, going round at the ends. */
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

  /** What the stream brings while the search stands. */
  append(records: readonly LogRecord[]): void {
    const needle = this.q.toLowerCase();
    for (const record of records) {
      if (!stripEscapes(record.message).toLowerCase().includes(needle)) continue;
      this.total++;
      if (this.moreAfter || this.seqs.length >= 2 * PAGE) this.moreAfter = true;
      else if (record.seq > (this.seqs[this.seqs.length - 1] ?? 0)) this.seqs.push(record.seq);
    }
  }

  private async load(bounds: { after?: number; before?: number }): Promise<void> {
    const page = await this.query({ ...bounds, q: this.q, limit: PAGE });
    const { skipped, seqs } = this;
    this.seqs = page.records.map((record) => record.seq);
    this.total = page.totalMatches;
    this.moreBefore = page.moreBefore;
    this.moreAfter = page.moreAfter;
    if (!page.moreBefore) this.skipped = 0;
    else if (!page.moreAfter) this.skipped = page.totalMatches - this.seqs.length;
    else if (bounds.after !== undefined && bounds.after === seqs[seqs.length - 1] && skipped !== null) this.skipped = skipped + seqs.length;
    else if (bounds.before !== undefined && bounds.before === seqs[0] && skipped !== null) this.skipped = skipped - this.seqs.length;
    else this.skipped = null;
  }
}
