/**
 * One event stream for all tabs of a browser. The tab that holds a Web Lock opens it and forwards everything over a
 * BroadcastChannel. Hidden tabs take no part, so the leader is always visible. Without Web Locks (plain HTTP to another
 * host), each visible tab has its own stream.
 */
import type { LogRecord, Run } from '../api/mapping';
import { hasEnded } from '../runs/status';
import type { Connection } from './connection';
import { EventStream, type EventStreamEvents, type FeedItem } from './event_stream';

type Message =
  | { readonly kind: 'hello'; readonly tab: string; readonly follows: readonly (readonly [number, number])[] }
  | { readonly kind: 'bye'; readonly tab: string }
  | { readonly kind: 'leader' }
  | { readonly kind: 'retry' }
  | { readonly kind: 'feed'; readonly items: readonly FeedItem[]; readonly to?: string }
  | { readonly kind: 'connection'; readonly connection: Connection };

export interface SharedStreamEvents {
  snapshot(runs: readonly Run[]): void;
  run(run: Run): void;
  records(runId: number, records: readonly LogRecord[]): void;
  connection(connection: Connection): void;
}

export interface Environment {
  readonly locks: Pick<LockManager, 'request'> | undefined;
  readonly openChannel: () => Pick<BroadcastChannel, 'postMessage' | 'addEventListener' | 'close'>;
  readonly openStream: (events: EventStreamEvents) => Pick<EventStream, 'follow' | 'retryNow' | 'close'>;
}

const LOCK = 'solorun-events';
/** Records that arrive close together are forwarded together: at most about sixty messages a second. */
const BATCH_MS = 16;

export class SharedStream {
  private readonly tab = Math.random().toString(36).slice(2);
  private readonly follows = new Map<number, number>();
  private readonly tabs = new Map<string, ReadonlyMap<number, number>>();
  private readonly unfinished = new Map<number, Run>();
  private channel: ReturnType<Environment['openChannel']> | null = null;
  private stream: ReturnType<Environment['openStream']> | null = null;
  private lockRequest: AbortController | null = null;
  private release: (() => void) | null = null;
  private connection: Connection = { state: 'connecting' };
  private pending: FeedItem[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly environment: Environment,
    private readonly events: SharedStreamEvents,
  ) {}

  get isLeader(): boolean {
    return this.stream !== null;
  }

  /** Joins the other tabs. Call it when the tab becomes visible. */
  open(): void {
    if (this.channel) return;
    this.channel = this.environment.openChannel();
    this.channel.addEventListener('message', (event) => this.receive((event as MessageEvent<Message>).data));
    this.sendHello();
    if (this.environment.locks) void this.waitForLock(this.environment.locks);
    else this.lead();
  }

  /** Leaves the other tabs. Call it when the tab is hidden or closed. `open` resumes the followed runs. */
  close(): void {
    if (!this.channel) return;
    this.post({ kind: 'bye', tab: this.tab });
    this.lockRequest?.abort();
    this.lockRequest = null;
    this.resign();
    this.channel.close();
    this.channel = null;
  }

  /** Follows a run's records after this seq. Returns a function that stops it. */
  follow(runId: number, after: number): () => void {
    this.follows.set(runId, after);
    this.sendHello();
    return () => {
      this.follows.delete(runId);
      this.sendHello();
    };
  }

  retryNow(): void {
    this.stream?.retryNow();
    this.post({ kind: 'retry' });
  }

  private async waitForLock(locks: Pick<LockManager, 'request'>): Promise<void> {
    const lockRequest = (this.lockRequest = new AbortController());
    try {
      await locks.request(LOCK, { signal: lockRequest.signal }, () => {
        if (lockRequest.signal.aborted) return undefined;
        this.lead();
        return new Promise<void>((release) => (this.release = release));
      });
    } catch (error) {
      if (!lockRequest.signal.aborted) throw error;
    }
  }

  private lead(): void {
    this.stream = this.environment.openStream({
      feed: (items) => this.feed(items),
      connection: (connection) => this.publishConnection(connection),
    });
    this.tabs.clear();
    this.post({ kind: 'leader' });
    this.sendHello();
  }

  private resign(): void {
    this.stream?.close();
    this.stream = null;
    clearTimeout(this.timer);
    this.timer = undefined;
    this.pending = [];
    this.unfinished.clear();
    this.release?.();
    this.release = null;
  }

  private sendHello(): void {
    const hello: Message = { kind: 'hello', tab: this.tab, follows: [...this.follows] };
    this.post(hello);
    if (this.isLeader) this.receive(hello);
  }

  private receive(message: Message): void {
    switch (message.kind) {
      case 'leader':
        this.sendHello();
        break;
      case 'hello':
        if (this.isLeader) this.register(message.tab, new Map(message.follows));
        break;
      case 'bye':
        this.tabs.delete(message.tab);
        this.updateFollowed();
        break;
      case 'retry':
        this.stream?.retryNow();
        break;
      case 'connection':
        if (!this.isLeader) this.events.connection(message.connection);
        break;
      case 'feed':
        if (!this.isLeader && (message.to ?? this.tab) === this.tab) this.deliver(message.items);
    }
  }

  /** A tab joined, or follows other runs than before. A new tab immediately gets the current state. */
  private register(tab: string, follows: ReadonlyMap<number, number>): void {
    const isNew = !this.tabs.has(tab) && tab !== this.tab;
    this.tabs.set(tab, follows);
    this.updateFollowed();
    if (!isNew) return;
    this.flush();
    this.post({ kind: 'connection', connection: this.connection });
    if (this.connection.state === 'connected' || this.connection.state === 'polling')
      this.post({ kind: 'feed', to: tab, items: [{ kind: 'snapshot', runs: [...this.unfinished.values()] }] });
  }

  private updateFollowed(): void {
    if (!this.stream) return;
    const wanted = new Map<number, number>();
    for (const follows of this.tabs.values())
      for (const [id, after] of follows) wanted.set(id, Math.max(after, wanted.get(id) ?? 0));
    this.stream.follow(wanted);
  }

  private feed(items: readonly FeedItem[]): void {
    for (const item of items) this.track(item);
    this.pending.push(...items);
    this.timer ??= setTimeout(() => this.flush(), BATCH_MS);
  }

  private track(item: FeedItem): void {
    if (item.kind === 'snapshot') {
      this.unfinished.clear();
      for (const run of item.runs) this.unfinished.set(run.id, run);
    } else if (item.kind === 'run') {
      if (hasEnded(item.run.status)) this.unfinished.delete(item.run.id);
      else this.unfinished.set(item.run.id, item.run);
    }
  }

  private flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const items = this.pending;
    this.pending = [];
    if (!items.length) return;
    if (this.tabs.size > 1) this.post({ kind: 'feed', items });
    this.deliver(items);
  }

  private deliver(items: readonly FeedItem[]): void {
    for (const item of items) {
      if (item.kind === 'snapshot') this.events.snapshot(item.runs);
      else if (item.kind === 'run') this.events.run(item.run);
      else {
        const last = item.records[item.records.length - 1];
        if (this.follows.has(item.runId) && last) this.follows.set(item.runId, last.seq);
        this.events.records(item.runId, item.records);
      }
    }
  }

  private publishConnection(connection: Connection): void {
    this.flush();
    this.connection = connection;
    this.post({ kind: 'connection', connection });
    this.events.connection(connection);
  }

  private post(message: Message): void {
    this.channel?.postMessage(message);
  }
}
