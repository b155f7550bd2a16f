/** The processes that execute runs: read again when a run changes, and whenever their leases are renewed. */
import { type WorkerList, drainWorker, listWorkers } from '../api/workers';
import { Refreshed } from './refreshed.svelte';
import { store } from './store.svelte';

const INTERVAL_MS = 10_000;

class Workers extends Refreshed {
  /** Null until loaded. */
  list: WorkerList | null = $state.raw(null);

  /** Keeps the list up to date while an effect that calls it is alive. Returns how to stop. */
  follow(): () => void {
    // Read to depend on it: workers claim and end runs.
    void store.unended.map((run) => [run.status, run.worker]);
    return this.refresh(INTERVAL_MS);
  }

  drain(id: string): Promise<boolean> {
    return this.change(() => drainWorker(id));
  }

  protected async read(): Promise<void> {
    this.list = await listWorkers();
  }
}

export const workers = new Workers();
