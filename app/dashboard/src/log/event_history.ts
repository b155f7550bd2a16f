/**
 * The events in a run's log, loaded from the latest backwards: filled from pages and from the stream, which may overlap.
 * No event is missing between the first and the last record in memory. Does not touch the DOM.
 */
import type { EventName, LogRecord } from '../api/mapping';
import type { ReadLog } from './log_query';

export const EVENT_PAGE = 100;
/** During a live run the oldest records are dropped; they can be loaded again. */
const MAX_RECORDS = 500;

export class EventHistory {
  /** In log order. */
  records: readonly LogRecord[] = [];
  moreBefore = false;
  isLoaded = false;
  /** All events up to this seq are known. */
  private upTo = 0;
  private limit = MAX_RECORDS;
  private isLoadingEarlier = false;
  private readonly abort = new AbortController();

  constructor(
    private readonly read: ReadLog,
    private readonly kinds: readonly EventName[],
    private readonly onChange: () => void,
  ) {}

  /** Loads the latest events of a log that ended at `lastSeq` at the time of the call. */
  async open(lastSeq: number): Promise<void> {
    if (!this.kinds.length) return this.add([], lastSeq);
    const page = await this.query({ limit: EVENT_PAGE });
    this.moreBefore = page.moreBefore;
    this.add(page.records, lastSeq);
  }

  /** Adds records from the stream. Records of other kinds and known ones are skipped. */
  append(records: readonly LogRecord[]): void {
    const last = records[records.length - 1]?.seq ?? 0;
    if (!this.isLoaded || last <= this.upTo) return;
    this.add(
      records.filter((record) => record.event !== null && this.kinds.includes(record.event)),
      last,
    );
  }

  /** Loads what the stream did not deliver, up to `lastSeq`. */
  async catchUp(lastSeq: number): Promise<void> {
    while (this.isLoaded && this.kinds.length && this.upTo < lastSeq) {
      const page = await this.query({ after: this.upTo, limit: EVENT_PAGE });
      this.add(page.records, page.moreAfter ? (page.records[page.records.length - 1]?.seq ?? lastSeq) : lastSeq);
    }
  }

  async loadEarlier(): Promise<void> {
    if (this.isLoadingEarlier) return;
    this.isLoadingEarlier = true;
    try {
      const page = await this.query({ before: this.records[0]?.seq ?? 1, limit: EVENT_PAGE });
      this.records = [...page.records, ...this.records];
      this.limit = Math.max(this.limit, this.records.length);
      this.moreBefore = page.moreBefore;
    } finally {
      this.isLoadingEarlier = false;
    }
    this.onChange();
  }

  close(): void {
    this.abort.abort();
  }

  private query(query: Parameters<ReadLog>[0]): ReturnType<ReadLog> {
    return this.read({ ...query, event: this.kinds }, this.abort.signal);
  }

  private add(records: readonly LogRecord[], upTo: number): void {
    const known = this.records[this.records.length - 1]?.seq ?? 0;
    const all = [...this.records, ...records.filter((record) => record.seq > known)];
    // An earlier page is on its way: it must connect to the first record.
    const limit = this.isLoadingEarlier ? all.length : this.limit;
    if (all.length > limit) this.moreBefore = true;
    this.records = all.slice(-limit);
    this.upTo = Math.max(upTo, this.upTo, this.records[this.records.length - 1]?.seq ?? 0);
    this.isLoaded = true;
    if (!this.abort.signal.aborted) this.onChange();
  }
}
