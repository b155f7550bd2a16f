/** Schedules, and what became of their due times in the last day: read again when a run changes, and every minute. */
import { listFirings, listSchedules, pauseSchedule, type Problem, resumeSchedule } from '../api/client';
import type { Firing, Schedule } from '../api/schedules';
import { DAY_MS } from '../runs/day_line';
import { clock } from './clock.svelte';
import { store } from './store.svelte';

const INTERVAL_MS = 60_000;

export class Schedules {
  /** Null until loaded. */
  list: readonly Schedule[] | null = $state.raw(null);
  /** Newest first. */
  firings: readonly Firing[] = $state.raw([]);
  problem: Problem | null = $state.raw(null);
  private isLoading = false;
  private isOutdated = false;

  /** Those of a project, without `firings`, or all of them. */
  constructor(private readonly project: string | null = null) {}

  /** Keeps the lists up to date while an effect that calls it is alive. Returns how to stop. */
  follow(): () => void {
    void store.epoch;
    // Read to depend on it: the runs of schedules start and end.
    void store.unended.map((run) => run.status);
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
        const [list, firings] = await Promise.all([
          listSchedules(this.project),
          this.project === null ? listFirings(clock.read() - DAY_MS) : [],
        ]);
        this.list = list;
        this.firings = firings;
      }
    } finally {
      this.isLoading = false;
    }
  }

  pause(schedule: string, reason: string): Promise<boolean> {
    return this.change(() => pauseSchedule(schedule, reason));
  }

  resume(schedule: string): Promise<boolean> {
    return this.change(() => resumeSchedule(schedule));
  }

  /** Whether it succeeded. If not, `problem` says why. */
  private async change(act: () => Promise<void>): Promise<boolean> {
    try {
      await act();
      await this.load();
      this.problem = null;
      return true;
    } catch (error) {
      this.problem = error as Problem;
      return false;
    }
  }
}
