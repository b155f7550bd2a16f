/** The processes that execute runs: read again when a run changes, and whenever their leases are renewed. */
import { drainWorker, listWorkers, type Problem } from '../api/client';
import type { WorkerList } from '../api/workers';
import { store } from './store.svelte';

const INTERVAL_MS = 10_000;

class Workers {
  /** Null until loaded. */
  list: WorkerList | null = $state.raw(null);
  problem: Problem | null = $state.raw(null);
  private isLoading = false;
  private isOutdated = false;

  /** Keeps the list up to date while an effect that calls it is alive. Returns how to stop. */
  follow(): () => void {
    void store.epoch;
    // Read to depend on it: workers claim and end runs.
    void store.unended.map((run) => [run.status, run.worker]);
    const load = (): void => void this.load().catch(() => undefined);
    load();
    const timer = setInterval(load, INTERVAL_MS);
    return () => clearInterval(timer);
  }

  /** One request at a time. A change during a request causes another one. */
  async load(): Promise<void> {
    this.isOutdated = true;
    if (this.isLoading) return;
    this.isLoading = true;
    try {
      while (this.isOutdated) {
        this.isOutdated = false;
        this.list = await listWorkers();
      }
    } finally {
      this.isLoading = false;
    }
  }

  /** Whether it succeeded. If not, `problem` says why. */
  async drain(id: string): Promise<boolean> {
    try {
      await drainWorker(id);
      await this.load();
      this.problem = null;
      return true;
    } catch (error) {
      this.problem = error as Problem;
      return false;
    }
  }
}

export const workers = new Workers();
