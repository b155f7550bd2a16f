/** The steps of a run as bars on a time axis that begins with the run. Times are in milliseconds. */
import type { Run, RunStep } from '../api/mapping';
import { type DisplayStatus, displayStatus } from './status';
import { type Medians, elapsed, progressOf } from './timing';

export interface Bar {
  readonly step: RunStep;
  readonly state: DisplayStatus;
  readonly from: number;
  readonly upTo: number;
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
    const usualEnd = usual === undefined ? null : from + usual;
    const done = step.status === 'running' ? progressOf(run) : null;
    const expectedEnd = done !== null && done >= 0.05 ? from + (upTo - from) / done : usualEnd;
    reached = step.status === 'completed' ? upTo : Math.max(upTo, expectedEnd ?? upTo);
    return {
      step,
      state: step.status === 'running' ? displayStatus(run) : step.status,
      from,
      upTo,
      usualEnd,
      expectedEnd,
    };
  });
}
