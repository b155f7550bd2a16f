/**
 * What a run's log tells of events, the newest first known: filled from the service's pages and from the stream, which
 * may overlap. Nothing is missing between the first record that is kept and the last. Knows no DOM.
 */
import type { EventName, LogRecord } from '../api/mapping';
import type { ReadLog } from './log_model';

export const EVENT_PAGE = 100;
/** While a run goes on what is oldest is let go: it can be read again. */
const MAX_KEPT = 500;

export class EventHistory {
  /** In the order of the log. */
  records: readonly LogRecord[] = [];
  moreBefore = false;
  isRead = false;
  /** The seq up to which all events are known. */
  private upTo = 0;
  private kept = MAX_KEPT;
  private isReadingEarlier = false;
  private readonly abort = new AbortController();

  constructor(
    private readonly read: ReadLog,
    private readonly kinds: readonly EventName[],
    private readonly changed: () => void,
  ) {}

  /** Reads the last events of a log that had `lastSeq` records when this was asked. */
  async open(lastSeq: number): Promise<void> {
    if (!this.kinds.length) return this.settle([], lastSeq);
    const page = await this.ask({ limit: EVENT_PAGE });
    this.moreBefore = page.moreBefore;
    this.settle(page.records, lastSeq);
  }

  /** Records from the stream, of whatever kind; those already known are passed over. */
  append(records: readonly LogRecord[]): void {
    const last = records[records.length - 1]?.seq ?? 0;
    if (!this.isRead || last <= this.upTo) return;
    this.settle(records.filter((record) => record.event !== null && this.kinds.includes(record.event)), last);
  }

  /** The log goes on to `lastSeq`, though the stream did not bring it. */
  async catchUp(lastSeq: number): Promise<void> {
    while (this.isRead && this.kinds.length && this.upTo < lastSeq) {
      const page = await this.ask({ after: this.upTo, limit: EVENT_PAGE });
      this.settle(page.records, page.moreAfter ? (page.records[page.records.length - 1]?.seq ?? lastSeq) : lastSeq);
    }
  }

  async readEarlier(): Promise<void> {
    if (this.isReadingEarlier) return;
    this.isReadingEarlier = true;
    try {
      const page = await this.ask({ before: this.records[0]?.seq ?? 1, limit: EVENT_PAGE });
      this.records = [...page.records, ...this.records];
      this.kept = Math.max(this.kept, this.records.length);
      this.moreBefore = page.moreBefore;
    } finally {
      this.isReadingEarlier = false;
    }
    this.changed();
  }

  close(): void {
    this.abort.abort();
  }

  private ask(query: Parameters<ReadLog>[0]): ReturnType<ReadLog> {
    return this.read({ ...query, event: this.kinds }, this.abort.signal);
  }

  private settle(records: readonly LogRecord[], upTo: number): void {
    const known = this.records[this.records.length - 1]?.seq ?? 0;
    const all = [...this.records, ...records.filter((record) => record.seq > known)];
    // What was asked for shall join on to the first of them.
    const kept = this.isReadingEarlier ? all.length : this.kept;
    if (all.length > kept) this.moreBefore = true;
    this.records = all.slice(-kept);
    this.upTo = Math.max(upTo, this.upTo, this.records[this.records.length - 1]?.seq ?? 0);
    this.isRead = true;
    if (!this.abort.signal.aborted) this.changed();
  }
}
