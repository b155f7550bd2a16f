/** The shared resources with their holders, read again whenever a run changes. */
import { listResources } from '../api/client';
import type { Resource } from '../api/mapping';
import { store } from './store.svelte';

class Resources {
  /** Null until loaded. */
  list: readonly Resource[] | null = $state.raw(null);
  private isLoading = false;
  private isOutdated = false;

  /** Keeps the list up to date while an effect that calls it is alive. */
  follow(): void {
    void store.epoch;
    // Read to depend on it: holds change with the status of runs and of their steps.
    void store.unended.map((run) => [run.status, run.steps.map(({ status }) => status)]);
    void this.load().catch(() => undefined);
  }

  find(name: string): Resource | undefined {
    return this.list?.find((resource) => resource.name === name);
  }

  /** One request at a time. A change during a request causes another one. */
  async load(): Promise<void> {
    this.isOutdated = true;
    if (this.isLoading) return;
    this.isLoading = true;
    try {
      while (this.isOutdated) {
        this.isOutdated = false;
        this.list = await listResources();
      }
    } finally {
      this.isLoading = false;
    }
  }
}

export const resources = new Resources();
