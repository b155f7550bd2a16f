/** The notification targets and the latest deliveries, read again when a run changes and while one is pending. */
import type { Problem } from '../api/client';
import {
  type NotificationDelivery,
  type NotifyTarget,
  listDeliveries,
  listNotifyTargets,
  redeliver,
  testNotifyTarget,
} from '../api/notifications';
import { Refreshed } from './refreshed.svelte';
import { store } from './store.svelte';

const INTERVAL_MS = 2_000;

export class Notifications extends Refreshed {
  /** Null until loaded. */
  targets: readonly NotifyTarget[] | null = $state.raw(null);
  deliveries: readonly NotificationDelivery[] = $state.raw([]);
  /** Of the older deliveries; null if there are none. */
  cursor: string | null = $state.raw(null);
  private older: readonly NotificationDelivery[] = [];
  private target = '';

  private get selected(): { target?: string } {
    return this.target ? { target: this.target } : {};
  }

  /** Keeps the lists up to date while an effect that calls it is alive. Returns how to stop. */
  follow(target: string): () => void {
    // Read to depend on it: the end of a run adds deliveries.
    void store.unended.map((run) => run.status);
    if (target !== this.target) this.older = [];
    this.target = target;
    return this.refresh(INTERVAL_MS, () => this.deliveries.some(({ status }) => status === 'pending'));
  }

  protected async read(): Promise<void> {
    const [targets, page] = await Promise.all([listNotifyTargets(), listDeliveries(this.selected)]);
    const oldest = page.deliveries.at(-1)?.id ?? 0;
    this.older = this.older.filter(({ id }) => id < oldest);
    this.targets = targets;
    this.deliveries = [...page.deliveries, ...this.older];
    if (!this.older.length) this.cursor = page.nextCursor;
  }

  async more(): Promise<void> {
    await this.attempt(async () => {
      const page = await listDeliveries(this.selected, this.cursor ?? undefined);
      this.older = [...this.older, ...page.deliveries];
      this.deliveries = [...this.deliveries, ...page.deliveries];
      this.cursor = page.nextCursor;
    });
  }

  test(target: string): Promise<boolean> {
    return this.change(() => testNotifyTarget(target));
  }

  sendAgain(id: number): Promise<void> {
    return this.attempt(async () => {
      const sent = await redeliver(id);
      this.deliveries = this.deliveries.map((one) => (one.id === id ? sent : one));
    });
  }

  private async attempt(action: () => Promise<void>): Promise<void> {
    try {
      await action();
      this.problem = null;
    } catch (problem) {
      this.problem = problem as Problem;
    }
  }
}
