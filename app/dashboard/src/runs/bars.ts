/** The steps of a run as bars on a time axis that begins with the run. Times are in milliseconds. */
import type { Run, RunStep } from '../api/mapping';
import { type DisplayStatus, displayStatus } from './status';
import { type Medians, attemptStart, elapsed, progressOf } from './timing';

/** An attempt, or the whole step if it has no retries. */
export interface Part {
  readonly state: DisplayStatus;
  readonly from: number;
  readonly upTo: number;
}

export interface Bar {
  readonly step: RunStep;
  readonly state: DisplayStatus;
  readonly from: number;
  readonly upTo: number;
  /** Its attempts; between them, it waits. Empty if it has not started. */
  readonly parts: readonly Part[];
  /** Where its current attempt began or its next one begins. */
  readonly attemptFrom: number;
  /** Where the step ends if it takes as long as usual; null if that is unknown. */
  readonly usualEnd: number | null;
  /** Where the step is expected to end: by its own progress while it runs, or else as usual. */
  readonly expectedEnd: number | null;
}

/** One bar for each step. The bar of an interrupted step ends with the run's last output. */
export function barsOf(run: Run, medians: Medians, lastOutputAt: number | null, now: number): Bar[] {
  const start = run.startedAt ?? run.createdAt;
  let reached = 0;
  return run.steps.map((step): Bar => {
    const from = step.startedAt === null ? reached : step.startedAt - start;
    const took =
      step.status === 'interrupted' && step.startedAt !== null
        ? Math.max(0, (lastOutputAt ?? step.startedAt) - step.startedAt)
        : elapsed(step, now);
    const upTo = from + (took ?? 0);
    const usual = medians.steps.get(step.name);
    const state = step.status === 'running' ? displayStatus(run) : step.status;
    const attemptAt = attemptStart(step, now);
    const attemptFrom = attemptAt === null || step.startedAt === null ? from : attemptAt - start;
    const usualEnd = usual === undefined ? null : attemptFrom + usual;
    const done = step.status === 'running' ? progressOf(run) : null;
    const expectedEnd = done !== null && done >= 0.05 ? attemptFrom + (upTo - attemptFrom) / done : usualEnd;
    reached = step.status === 'completed' ? upTo : Math.max(upTo, expectedEnd ?? upTo);
    return {
      step,
      state,
      from,
      upTo,
      parts: partsOf(step, state, from, upTo, start),
      attemptFrom,
      usualEnd,
      expectedEnd,
    };
  });
}

function partsOf(step: RunStep, state: DisplayStatus, from: number, upTo: number, start: number): Part[] {
  if (step.startedAt === null) return [];
  if (!step.attempts.length) return [{ state, from, upTo }];
  return step.attempts.map(({ status, startedAt, finishedAt }) => ({
    state: status === 'running' ? state : status,
    from: startedAt - start,
    upTo: finishedAt === null || status === 'interrupted' ? upTo : finishedAt - start,
  }));
}
