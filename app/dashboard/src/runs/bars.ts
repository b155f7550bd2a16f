/** The steps of a run as bars on a time axis that begins with the run. Times are in milliseconds. */
import type { Run, RunStep } from '../api/mapping';
import { type DisplayStatus, displayStatus, hasEnded } from './status';
import { type Medians, attemptStart, elapsed, isEndUnknown, progressOf } from './timing';

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
  /** If it is unknown when it ended: the time when that was noticed. `upTo` is the time of its last output. */
  readonly noticedAt: number | null;
  /** Its attempts; between them, it waits. Empty if it has not started. */
  readonly parts: readonly Part[];
  /** Where its current attempt began or its next one begins. */
  readonly attemptFrom: number;
  /** Where the step ends if it takes as long as usual; null if that is unknown. */
  readonly usualEnd: number | null;
  /** Where the step is expected to end: by its own progress while it runs, or else as usual. */
  readonly expectedEnd: number | null;
  /** Whether the rest of the step, or all of it, is drawn as an outline. */
  readonly isExpected: boolean;
  /** Whether the usual end is marked: the outline does not show it. */
  readonly isMarked: boolean;
}

/** One bar for each step. `seenUntil` is the time until which an interrupted step is known to have worked. */
export function barsOf(run: Run, medians: Medians, seenUntil: number | null, now: number): Bar[] {
  const start = run.startedAt ?? run.createdAt;
  let reached = 0;
  return run.steps.map((step): Bar => {
    const from = step.startedAt === null ? reached : step.startedAt - start;
    const isLost = isEndUnknown(step) && step.startedAt !== null;
    const took = isLost ? Math.max(0, (seenUntil ?? step.startedAt) - step.startedAt) : elapsed(step, now);
    const upTo = from + (took ?? 0);
    const noticedAt = isLost && step.finishedAt !== null ? step.finishedAt - start : null;
    const usual = medians.steps.get(step.name);
    const state = step.status === 'running' ? displayStatus(run) : step.status;
    const attemptAt = attemptStart(step, now);
    const attemptFrom = attemptAt === null || step.startedAt === null ? from : attemptAt - start;
    const usualEnd = usual === undefined ? null : attemptFrom + usual;
    const done = step.status === 'running' ? progressOf(run) : null;
    const expectedEnd = done !== null && done >= 0.05 ? attemptFrom + (upTo - attemptFrom) / done : usualEnd;
    const isOpen = !hasEnded(step.status);
    reached = isOpen ? Math.max(upTo, expectedEnd ?? upTo) : upTo;
    return {
      step,
      state,
      from,
      upTo,
      noticedAt: noticedAt !== null && noticedAt > upTo ? noticedAt : null,
      parts: partsOf(step, state, from, upTo, start),
      attemptFrom,
      usualEnd,
      expectedEnd,
      isExpected: isOpen && expectedEnd !== null && (step.startedAt === null || expectedEnd > upTo),
      isMarked:
        usualEnd !== null && (isOpen ? state === 'running' && usualEnd !== expectedEnd : step.startedAt !== null),
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
