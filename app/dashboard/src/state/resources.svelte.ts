/** The shared resources with their holders, read again whenever a run changes. */
import { type Resource, listResources } from '../api/resources';
import { Refreshed } from './refreshed.svelte';
import { store } from './store.svelte';

class Resources extends Refreshed {
  /** Null until loaded. */
  list: readonly Resource[] | null = $state.raw(null);

  /** Keeps the list up to date while an effect that calls it is alive. Returns how to stop. */
  follow(): () => void {
    // Read to depend on it: holds change with the status of runs and of their steps.
    void store.unended.map((run) => [run.status, run.steps.map(({ status }) => status)]);
    return this.refresh();
  }

  find(name: string): Resource | undefined {
    return this.list?.find((resource) => resource.name === name);
  }

  protected async read(): Promise<void> {
    this.list = await listResources();
  }
}

export const resources = new Resources();
