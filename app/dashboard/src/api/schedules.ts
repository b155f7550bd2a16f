/** Schedules and what became of their due times: the requests, and their types. */
import { client } from './client';
import type { components } from './schema';

type Wire = components['schemas'];

/** The most starts of a schedule, and the most firings, that the API returns. */
export const MAX_STARTS = 300;
export const MAX_FIRINGS = 1000;

/** What became of one due time, or of a manual run. The run's fields are null if there is none. */
export interface Firing {
  readonly schedule: string;
  readonly project: string;
  /** When a manual run was started. */
  readonly dueAt: number;
  readonly isManual: boolean;
  readonly outcome: Wire['FiringOutcome'];
  readonly runId: number | null;
  readonly reason: string;
  readonly missedCount: number;
  /** Whether the run had not completed in time. */
  readonly isLate: boolean;
  readonly status: Wire['Status'] | null;
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
  readonly isRunDeleted: boolean;
}

export interface Schedule {
  readonly id: string;
  readonly project: string;
  readonly cron: string;
  readonly timeZone: string;
  readonly scope: string;
  readonly onConflict: Wire['ConflictPolicy'];
  readonly missed: Wire['MissedPolicy'];
  readonly isEnabled: boolean;
  /** A time of day in its time zone, such as `07:00`. */
  readonly late: string | null;
  readonly pausedAt: number | null;
  readonly pausedBy: string;
  readonly pauseReason: string;
  /** When runs will start, ascending. Empty while it is paused or not enabled. */
  readonly nextStarts: readonly number[];
  readonly lastFiring: Firing | null;
  /** How long its runs usually take. */
  readonly estimatedMs: number | null;
}

const timeOf = (wire: string | null | undefined): number | null => (wire ? Date.parse(wire) : null);

export function toFiring(wire: Wire['Firing']): Firing {
  return {
    schedule: wire.schedule,
    project: wire.project,
    dueAt: Date.parse(wire.due_at),
    isManual: wire.trigger === 'manual',
    outcome: wire.outcome ?? 'started',
    runId: wire.run_id ?? null,
    reason: wire.reason ?? '',
    missedCount: wire.missed_count ?? 0,
    isLate: wire.late === true,
    status: wire.run_status ?? null,
    startedAt: timeOf(wire.run_started_at),
    finishedAt: timeOf(wire.run_finished_at),
    isRunDeleted: wire.run_deleted === true,
  };
}

export function toSchedule(wire: Wire['ScheduleSummary']): Schedule {
  return {
    id: wire.id,
    project: wire.project,
    cron: wire.cron,
    timeZone: wire.timezone,
    scope: wire.scope,
    onConflict: wire.on_conflict,
    missed: wire.missed,
    isEnabled: wire.enabled,
    late: wire.late,
    pausedAt: timeOf(wire.paused_at),
    pausedBy: wire.paused_by ?? '',
    pauseReason: wire.pause_reason ?? '',
    nextStarts: wire.next_due_at.map((due) => Date.parse(due) + wire.delay_seconds * 1000),
    lastFiring: wire.last_firing ? toFiring(wire.last_firing) : null,
    estimatedMs: wire.estimated_seconds === null ? null : wire.estimated_seconds * 1000,
  };
}

/** All schedules with what is due in the next day, or those of a project with their next few due times. */
export async function listSchedules(project: string | null): Promise<Schedule[]> {
  const query = project === null ? { next: MAX_STARTS } : { project };
  const { data } = await client.GET('/api/v1/schedules', { params: { query } });
  return data!.schedules.map(toSchedule);
}

/** What was due after this time, newest first, as many as the API returns. */
export async function listFirings(after: number): Promise<Firing[]> {
  const query = { after: new Date(after).toISOString(), limit: MAX_FIRINGS };
  const { data } = await client.GET('/api/v1/firings', { params: { query } });
  return data!.firings.map(toFiring);
}

export async function pauseSchedule(schedule: string, reason: string): Promise<void> {
  const body = { reason, requested_by: 'dashboard' };
  await client.POST('/api/v1/schedules/{schedule}/pause', { params: { path: { schedule } }, body });
}

export async function resumeSchedule(schedule: string): Promise<void> {
  const body = { requested_by: 'dashboard' };
  await client.POST('/api/v1/schedules/{schedule}/resume', { params: { path: { schedule } }, body });
}
