/** Schedules, and what became of their due times in the last day: read again when a run changes, and every minute. */
import {
  type Firing,
  type Schedule,
  listFirings,
  listSchedules,
  pauseSchedule,
  resumeSchedule,
} from '../api/schedules';
import { DAY_MS } from '../runs/day_line';
import { clock } from './clock.svelte';
import { Refreshed } from './refreshed.svelte';
import { store } from './store.svelte';

const INTERVAL_MS = 60_000;

export class Schedules extends Refreshed {
  /** Null until loaded. */
  list: readonly Schedule[] | null = $state.raw(null);
  /** Newest first. */
  firings: readonly Firing[] = $state.raw([]);

  /** Those of a project, without `firings`, or all of them. */
  constructor(private readonly project: string | null = null) {
    super();
  }

  /** Keeps the lists up to date while an effect that calls it is alive. Returns how to stop. */
  follow(): () => void {
    // Read to depend on it: the runs of schedules start and end.
    void store.unended.map((run) => run.status);
    return this.refresh(INTERVAL_MS);
  }

  pause(schedule: string, reason: string): Promise<boolean> {
    return this.change(() => pauseSchedule(schedule, reason));
  }

  resume(schedule: string): Promise<boolean> {
    return this.change(() => resumeSchedule(schedule));
  }

  protected async read(): Promise<void> {
    const [list, firings] = await Promise.all([
      listSchedules(this.project),
      this.project === null ? listFirings(clock.read() - DAY_MS) : [],
    ]);
    this.list = list;
    this.firings = firings;
  }
}
