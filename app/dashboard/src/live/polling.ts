/**
 * Asks for what an event stream would have sent, every few seconds. Some proxies and virus scanners hold a stream back
 * until it ends.
 */
import { toLogPage, toRun } from '../api/mapping';
import type { components } from '../api/schema';
import type { FeedItem } from './event_stream';

type Wire = components['schemas'];

const INTERVAL_MS = 5_000;
const MAX_PAGES = 5;
/** The active runs, and the latest: they may have ended between two requests. */
const RUNS = ['runs?status=pending&status=running&limit=1000', 'runs?limit=50'];

export interface PollingEvents {
  feed(items: FeedItem[]): void;
  /** All requests have succeeded. */
  updated(): void;
}

export class Polling {
  private abort: AbortController | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  /** Each run as it was last sent, to report only changes. */
  private readonly known = new Map<number, string>();

  /** `address` is the API's. `positions` has the followed runs and the last seq that arrived of each. */
  constructor(
    private readonly address: string,
    private readonly positions: Map<number, number>,
    private readonly events: PollingEvents,
    private readonly request: typeof fetch,
  ) {}

  get isActive(): boolean {
    return this.abort !== null;
  }

  start(): void {
    if (this.abort) return;
    this.abort = new AbortController();
    void this.poll(this.abort.signal);
  }

  stop(): void {
    clearTimeout(this.timer);
    this.abort?.abort();
    this.abort = null;
    this.known.clear();
  }

  private async poll(signal: AbortSignal): Promise<void> {
    try {
      const items = [...(await this.readRuns(signal)), ...(await this.readLogs(signal))];
      if (signal.aborted) return;
      if (items.length) this.events.feed(items);
      this.events.updated();
    } catch {
      // The next attempt may succeed. Until then the picture grows older, and says so.
    }
    if (!signal.aborted) this.timer = setTimeout(() => void this.poll(signal), INTERVAL_MS);
  }

  private async readRuns(signal: AbortSignal): Promise<FeedItem[]> {
    const pages = await Promise.all(RUNS.map((path) => this.get<{ runs: Wire['Run'][] }>(path, signal)));
    const runs = new Map(pages.flatMap((page) => page.runs).map((run) => [run.id, run]));
    return [...runs.values()].flatMap((run) => {
      const text = JSON.stringify(run);
      if (this.known.get(run.id) === text) return [];
      this.known.set(run.id, text);
      return [{ kind: 'run', run: toRun(run) } as const];
    });
  }

  private async readLogs(signal: AbortSignal): Promise<FeedItem[]> {
    const items: FeedItem[] = [];
    for (const runId of this.positions.keys()) {
      let isMore = true;
      for (let i = 0; isMore && i < MAX_PAGES; i++) {
        const after = this.positions.get(runId) ?? 0;
        const page = toLogPage(await this.get<Wire['LogPage']>(`runs/${runId}/log?after=${after}&limit=1000`, signal));
        const last = page.records[page.records.length - 1];
        if (signal.aborted || !last || !this.positions.has(runId)) break;
        this.positions.set(runId, last.seq);
        items.push({ kind: 'records', runId, records: page.records });
        isMore = page.moreAfter;
      }
    }
    return items;
  }

  private async get<T>(path: string, signal: AbortSignal): Promise<T> {
    const response = await this.request(`${this.address}/${path}`, { signal });
    if (!response.ok) throw new Error(`the service returned HTTP ${response.status}`);
    return (await response.json()) as T;
  }
}
