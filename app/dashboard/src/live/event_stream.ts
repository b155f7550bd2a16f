/**
 * One connection to `GET /events`. It reconnects after a disconnect (with a growing delay), after a silence, and when the
 * set of followed runs changes, each time after the last record that arrived. While no bytes come, it polls. Reports
 * events and the connection's state.
 */
import { type LogRecord, type Run, toRecord, toRun } from '../api/mapping';
import type { components } from '../api/schema';
import { type Connection, backoff, disconnected } from './connection';
import { Polling } from './polling';
import { type ServerEvent, SseParser } from './sse_parser';

type Wire = components['schemas'];

export type FeedItem =
  | { readonly kind: 'snapshot'; readonly runs: readonly Run[] }
  | { readonly kind: 'run'; readonly run: Run }
  | { readonly kind: 'records'; readonly runId: number; readonly records: readonly LogRecord[] };

export interface EventStreamEvents {
  feed(items: FeedItem[]): void;
  connection(connection: Connection): void;
}

/** The service sends a comment every 15 s. */
const IDLE_TIMEOUT_MS = 40_000;
/** A stream that works sends its first bytes immediately. */
const HELD_BACK_MS = 5_000;
const MISSED_COMMENT_MS = 20_000;
const WATCH_INTERVAL_MS = 1_000;
const MAX_FOLLOWED = 20;

export class EventStream {
  /** Followed runs, and the last seq that arrived of each. */
  private readonly positions = new Map<number, number>();
  private abort: AbortController | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private attempt = 0;
  /** When the last bytes of this connection arrived, or when it was opened. */
  private receivedAt = Date.now();
  private hasReceived = false;
  private hasSnapshot = false;
  /** When the last data arrived. */
  private asOf = Date.now();
  private readonly polling: Polling;

  constructor(
    private readonly address: string,
    private readonly events: EventStreamEvents,
    private readonly request: typeof fetch = (input, init) => fetch(input, init),
  ) {
    this.polling = new Polling(
      address.replace(/\/events$/, ''),
      this.positions,
      {
        feed: (items) => this.events.feed(items),
        updated: () => {
          this.asOf = Date.now();
          this.events.connection({ state: 'polling', asOf: this.asOf });
        },
      },
      request,
    );
  }

  /** Opens the stream, or reopens it if the set of followed runs has changed. */
  follow(wanted: ReadonlyMap<number, number>): void {
    const runs = [...wanted].slice(-MAX_FOLLOWED);
    const isSame = runs.length === this.positions.size && runs.every(([id]) => this.positions.has(id));
    if (isSame && (this.abort || this.timer)) return;
    for (const id of [...this.positions.keys()]) if (!wanted.has(id)) this.positions.delete(id);
    for (const [id, after] of runs) if (!this.positions.has(id)) this.positions.set(id, after);
    if (!this.timer) this.connect();
  }

  /** Reconnects immediately, without waiting for the delay to pass. */
  retryNow(): void {
    this.connect();
  }

  close(): void {
    this.polling.stop();
    this.disconnect();
  }

  private disconnect(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.abort?.abort();
    this.abort = null;
  }

  private connect(): void {
    this.disconnect();
    this.abort = new AbortController();
    void this.run(this.abort);
  }

  private async run(abort: AbortController): Promise<void> {
    const { signal } = abort;
    const watchdog = setInterval(() => this.watch(abort), WATCH_INTERVAL_MS);
    try {
      const follow = [...this.positions].map(([id, after]) => `follow=${id}:${after}`).join('&');
      this.receivedAt = Date.now();
      this.hasReceived = this.hasSnapshot = false;
      const response = await this.request(follow ? `${this.address}?${follow}` : this.address, {
        signal,
        headers: { accept: 'text/event-stream' },
      });
      if (response.status === 401 || response.status === 403) {
        if (this.abort === abort) this.expire();
        return;
      }
      if (response.status === 404 || response.status === 422) this.positions.clear();
      if (!response.ok || !response.body) throw new Error(`the event stream returned HTTP ${response.status}`);
      await this.read(response.body, signal);
    } catch {
      // Every error leads to a retry, except our own abort, which the check below recognizes.
    } finally {
      clearInterval(watchdog);
    }
    if (this.abort !== abort) return;
    if (signal.aborted && this.polling.isActive && Date.now() - this.asOf < HELD_BACK_MS * 3) this.connect();
    else this.scheduleReconnect();
  }

  private watch(abort: AbortController): void {
    const silence = Date.now() - this.receivedAt;
    if (silence > IDLE_TIMEOUT_MS) abort.abort('silence');
    else if (silence > (this.hasReceived ? MISSED_COMMENT_MS : HELD_BACK_MS)) this.polling.start();
  }

  private async read(body: ReadableStream<Uint8Array>, signal: AbortSignal): Promise<void> {
    const parser = new SseParser();
    const reader = body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done || signal.aborted) return;
      this.handleBytes();
      const items: FeedItem[] = [];
      for (const event of parser.feed(value)) this.handle(event, items);
      if (items.length) this.events.feed(items);
    }
  }

  private handleBytes(): void {
    this.receivedAt = this.asOf = Date.now();
    this.hasReceived = true;
    if (!this.polling.isActive || !this.hasSnapshot) return;
    this.polling.stop();
    this.events.connection({ state: 'connected' });
  }

  private handle({ event, data }: ServerEvent, items: FeedItem[]): void {
    if (event === 'shutdown') return;
    if (event === 'runs') {
      this.attempt = 0;
      this.hasSnapshot = true;
      this.polling.stop();
      this.events.connection({ state: 'connected' });
      const { runs } = JSON.parse(data) as { runs: Wire['Run'][] };
      items.push({ kind: 'snapshot', runs: runs.map(toRun) });
    } else if (event === 'run') {
      items.push({ kind: 'run', run: toRun(JSON.parse(data) as Wire['Run']) });
    } else {
      const wire = JSON.parse(data) as Wire['Record'] & { run: number };
      const [runId, record] = [wire.run, toRecord(wire)];
      this.positions.set(runId, record.seq);
      const last = items[items.length - 1];
      if (last?.kind === 'records' && last.runId === runId) (last.records as LogRecord[]).push(record);
      else items.push({ kind: 'records', runId, records: [record] });
    }
  }

  private scheduleReconnect(): void {
    this.abort = null;
    const delay = backoff(++this.attempt);
    this.timer = setTimeout(() => this.connect(), delay);
    this.events.connection(disconnected(this.attempt, Date.now() + delay, this.asOf));
  }

  private expire(): void {
    this.abort = null;
    this.polling.stop();
    this.events.connection({ state: 'expired' });
  }
}
