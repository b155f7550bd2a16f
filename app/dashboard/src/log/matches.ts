/**
 * Full-log search, done by the service: reads the log from where the reader is, nearest first, and then the rest of it,
 * until all matches are known or there are very many. Keeps their seqs, and the current one.
 */
import type { LogPage, LogRecord } from '../api/mapping';
import type { TextFinder } from './finding';
import type { LogQuery, ReadLog } from './log_query';
import { LiveSearch } from './live_search';

const PAGE = 1000;
/** The records on each side of the nearest match that its answer contains: more than a screen shows. */
const CONTEXT = 100;
/** Enough for the first match if it is near, and read by the service without delay. */
const FIRST_SCAN = 50_000;
/** Between two reports of how much is read. */
const SCAN = 300_000;
/** Counting stops here. */
export const MAX_COUNTED = 10_000;

type Direction = 1 | -1;

export class Matches {
  /** All matches in the part of the log that is read: between `low` and `high`, both exclusive. */
  private seqs: number[] = [];
  private low = 0;
  private high = 0;
  private isReadToStart = false;
  private isReadToEnd = false;
  /** Matches of the stream, which the last request may have missed. */
  private streamed: number[] = [];
  private request: AbortController | null = null;
  private readonly live: LiveSearch;
  hasFailed = false;
  current: number | null = null;

  /** Called after each part of the log that is read. */
  onRead: () => void = () => undefined;

  /**
   * `passes`: whether a record of the stream passes the filters of `query`. `pause` is over when the reader has stopped
   * typing: until then, only what is near is read.
   */
  constructor(
    private readonly text: TextFinder,
    private readonly query: ReadLog,
    private readonly passes: (record: LogRecord) => boolean = () => true,
    private readonly pause: Promise<void> = Promise.resolve(),
  ) {
    this.live = new LiveSearch(text);
  }

  get isSearching(): boolean {
    return this.request !== null;
  }

  /** How many are known. */
  get total(): number {
    return this.seqs.length;
  }

  /** Whether counting has ended: all are known, or very many. */
  get isCounted(): boolean {
    return this.isComplete || this.total >= MAX_COUNTED;
  }

  /** Whether all are known. */
  get isComplete(): boolean {
    return this.isReadToStart && this.isReadToEnd;
  }

  /** How many records of the log have been read. */
  get read(): number {
    return Math.max(0, this.high - this.low + 1);
  }

  /** The seqs of all matches; null if not all are known. */
  get all(): readonly number[] | null {
    return this.isComplete ? [...this.seqs] : null;
  }

  /** Position of the current match, from 1; null if unknown. */
  get position(): number | null {
    const at = this.current === null ? -1 : this.seqs.indexOf(this.current);
    return at < 0 || !this.isReadToStart ? null : at + 1;
  }

  /** Stops the request that is under way. The service stops reading the log for it. */
  close(): void {
    this.request?.abort();
    this.request = null;
  }

  /** Selects the first match at or after `seq`, or else the last. Reads nothing if all are `known`. */
  async start(seq: number, known: readonly number[] | null = null): Promise<number | null> {
    this.begin(seq - 1, seq, known !== null || seq <= 1, known !== null);
    this.seqs = [...(known ?? [])];
    await this.seek(1);
    if (!this.seqs.length) await this.seek(-1);
    return (this.current = this.seqs.find((found) => found >= seq) ?? this.seqs[this.seqs.length - 1] ?? null);
  }

  /** Selects the next match in this direction, wrapping around at the ends. */
  async go(direction: Direction): Promise<number | null> {
    if (this.current === null) return null;
    if (this.beside(direction) === undefined) await this.seek(direction);
    let next = this.beside(direction);
    if (next === undefined) {
      if (!this.isComplete) {
        if (direction > 0) this.begin(0, 1, true, false);
        else this.begin(Infinity, Infinity, false, true);
        await this.seek(direction);
      }
      next = this.seqs[direction > 0 ? 0 : this.seqs.length - 1];
    }
    return (this.current = next ?? null);
  }

  /** Reads the rest of the log until there are very many matches. */
  async count(): Promise<void> {
    await this.pause;
    if (this.isSearching) return;
    for (const direction of [-1, 1] as const)
      while (!this.isRead(direction) && this.total < MAX_COUNTED)
        await this.readOn(direction, { limit: Math.min(PAGE, MAX_COUNTED - this.total) });
  }

  /** Takes the records before those of the stream, whose lines may continue in it. */
  precede(records: Iterable<LogRecord>): void {
    for (const record of records) this.live.endsIn(record);
  }

  /** Adds matching records from the stream. */
  append(records: readonly LogRecord[]): void {
    for (const record of records)
      if (this.live.endsIn(record) && this.passes(record) && (this.isReadToEnd || this.isSearching))
        this.streamed.push(record.seq);
    if (this.isReadToEnd) this.addStreamed();
  }

  private begin(high: number, low: number, isReadToStart: boolean, isReadToEnd: boolean): void {
    this.close();
    Object.assign(this, { seqs: [], streamed: [], high, low, isReadToStart, isReadToEnd });
  }

  private beside(direction: Direction): number | undefined {
    return this.seqs[this.seqs.indexOf(this.current!) + direction];
  }

  private isRead(direction: Direction): boolean {
    return direction > 0 ? this.isReadToEnd : this.isReadToStart;
  }

  /** Reads on in this direction until there is another match. */
  private async seek(direction: Direction): Promise<void> {
    const known = this.seqs.length;
    while (!this.isRead(direction) && this.seqs.length === known)
      await this.readOn(direction, { limit: 1, context: CONTEXT });
  }

  private async readOn(direction: Direction, wanted: LogQuery): Promise<void> {
    this.close();
    const request = (this.request = new AbortController());
    const bounds = direction > 0 ? { after: this.high } : this.low < Infinity ? { before: this.low } : {};
    const scan = this.read < FIRST_SCAN ? FIRST_SCAN : SCAN;
    if (scan > FIRST_SCAN) await this.pause;
    request.signal.throwIfAborted();
    const page = await this.query({ ...bounds, ...this.text.query, ...wanted, scan }, request.signal).catch(
      (error: unknown) => {
        this.hasFailed = !request.signal.aborted;
        if (this.request === request) this.request = null;
        throw error;
      },
    );
    if (this.request !== request) throw new DOMException('another search has begun', 'AbortError');
    this.request = null;
    this.hasFailed = false;
    this.add(direction, page);
    this.onRead();
  }

  private add(direction: Direction, { records, next }: LogPage): void {
    const found = records.map(({ seq }) => seq);
    if (direction < 0) {
      this.seqs.unshift(...found);
      this.isReadToStart = next === null;
      if (this.low === Infinity) this.high = this.seqs[this.seqs.length - 1] ?? 0;
      this.low = next ?? 1;
      return;
    }
    this.seqs.push(...found);
    this.isReadToEnd = next === null;
    this.high = next ?? Math.max(this.high, this.seqs[this.seqs.length - 1] ?? 0);
    if (this.isReadToEnd) this.addStreamed();
  }

  private addStreamed(): void {
    const last = this.seqs[this.seqs.length - 1] ?? 0;
    this.seqs.push(...this.streamed.filter((seq) => seq > last));
    this.streamed = [];
  }
}
