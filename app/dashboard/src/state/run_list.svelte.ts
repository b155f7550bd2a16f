/** A list of runs that grows page by page. It has the same length again when the reader returns to its page. */
import { Problem, listRuns } from '../api/client';
import { keepWhileShown, keptPlace } from './history_entry';
import { store } from './store.svelte';

const PAGE = 50;
/** The API's maximum for one page. */
const MAX_RUNS = 1000;

interface Filter {
  readonly project: string;
  readonly status: string;
}

export class RunList {
  /** The runs themselves are in the store, which also has newer ones. */
  ids: readonly number[] = $state.raw([]);
  cursor: string | null = $state(null);
  problem: Problem | null = $state.raw(null);
  isLoaded = $state(false);
  private filter: Filter | null = null;
  private length = keptPlace().rows ?? PAGE;

  constructor() {
    $effect(() => keepWhileShown(() => ({ rows: this.length })));
  }

  /** Reads the list from its start: with the same filter, as far as before. */
  async open(project: string, status: string): Promise<void> {
    if (this.filter && (this.filter.project !== project || this.filter.status !== status)) this.length = PAGE;
    this.filter = { project, status };
    await this.read(Math.min(this.length, MAX_RUNS), null);
  }

  async more(): Promise<void> {
    await this.read(PAGE, this.cursor);
  }

  private async read(limit: number, cursor: string | null): Promise<void> {
    const { filter } = this;
    try {
      const page = await listRuns({
        project: filter?.project || undefined,
        status: filter?.status || undefined,
        limit,
        cursor: cursor ?? undefined,
      });
      if (filter !== this.filter) return;
      for (const run of page.runs) store.putListed(run);
      this.ids = [...(cursor ? this.ids : []), ...page.runs.map(({ id }) => id)];
      this.length = Math.max(PAGE, this.ids.length);
      this.cursor = page.nextCursor;
      this.problem = null;
    } catch (error) {
      if (filter !== this.filter) return;
      this.problem = error instanceof Problem ? error : new Problem(0);
    }
    this.isLoaded = true;
  }
}
