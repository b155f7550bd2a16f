/** Estimates from earlier runs: median durations of steps and scopes, and the time left. Times are in milliseconds. */
import type { Run, RunStep } from '../api/mapping';

/** A run, a step or an attempt. */
export type Timed = Pick<RunStep, 'startedAt' | 'finishedAt' | 'status'> &
  Partial<Pick<Run, 'steps'> & Pick<RunStep, 'exitCode'>>;

export interface Medians {
  /** Median duration of completed steps, by step: of the attempt that succeeded. */
  readonly steps: ReadonlyMap<string, number>;
  /** The same of all attempts, with the pauses between them. */
  readonly allAttempts: ReadonlyMap<string, number>;
  /** Median duration of completed runs, by scope. */
  readonly scopes: ReadonlyMap<string, number>;
}

export function median(values: readonly number[]): number | null {
  if (!values.length) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export function mediansOf(history: readonly Run[], except?: number): Medians {
  const steps = new Map<string, number[]>();
  const allAttempts = new Map<string, number[]>();
  const scopes = new Map<string, number[]>();
  const add = (to: Map<string, number[]>, key: string, value: number): void =>
    void to.set(key, [...(to.get(key) ?? []), value]);
  for (const run of history) {
    if (run.id === except) continue;
    for (const step of run.steps)
      if (step.status === 'completed' && step.startedAt !== null && step.finishedAt !== null) {
        add(steps, step.name, step.finishedAt - attemptStart(step, step.finishedAt)!);
        add(allAttempts, step.name, step.finishedAt - (step.attempts[0]?.startedAt ?? step.startedAt));
      }
    if (run.status === 'completed' && run.startedAt !== null && run.finishedAt !== null)
      add(scopes, run.scope, run.finishedAt - run.startedAt);
  }
  const medians = (of: Map<string, number[]>): Map<string, number> =>
    new Map([...of].map(([key, values]) => [key, median(values)!]));
  return { steps: medians(steps), allAttempts: medians(allAttempts), scopes: medians(scopes) };
}

/**
 * Whether its end is not known but for when it was noticed: after a crash, once the service is back. A service that
 * shuts down stops the command, and notes its exit code.
 */
export function isEndUnknown({ status, exitCode, steps }: Timed): boolean {
  if (status !== 'interrupted' || (exitCode ?? null) !== null) return false;
  return !steps?.some((step) => step.exitCode !== null && (step.status === 'interrupted' || step.status === 'failed'));
}

/** The duration, so far or in total; null if it never started, or if its end is unknown. */
export function elapsed(of: Timed, now: number): number | null {
  return of.startedAt === null || isEndUnknown(of) ? null : Math.max(0, (of.finishedAt ?? now) - of.startedAt);
}

/** When the attempt in progress or the last one began, or when the next one begins; null before the first. */
export function attemptStart(step: RunStep, now: number): number | null {
  if (step.status === 'waiting') return step.nextAttemptAt ?? now;
  return step.attempts[step.attempts.length - 1]?.startedAt ?? step.startedAt;
}

/** The share of the current step that is done, by its own progress reports, or null. */
export function progressOf(run: Run): number | null {
  const { progressCurrent, progressTotal } = run;
  if (progressCurrent === null || !progressTotal) return null;
  return Math.min(1, Math.max(0, progressCurrent / progressTotal));
}

/**
 * The estimated time left, or null if neither earlier runs nor the progress allow an estimate, and while a step waits for
 * a resource. A step in its first attempt is expected to need as many as usual, and the pauses before them.
 */
export function timeLeft(run: Run, medians: Medians, now: number): number | null {
  if (run.status !== 'running' || run.cancelRequestedAt !== null) return null;
  let left = 0;
  for (const step of run.steps) {
    if (step.finishedAt !== null) continue;
    if (step.status === 'waiting' && step.nextAttemptAt === null) return null;
    const isFirst = step.attempts.length < 2 && step.nextAttemptAt === null;
    const usual = (isFirst ? medians.allAttempts : medians.steps).get(step.name);
    const spent = now - (attemptStart(step, now) ?? now);
    const share = step.name === run.currentStep ? progressOf(run) : null;
    if (share !== null && share >= 0.05) left += (spent * (1 - share)) / share;
    else if (usual === undefined) return null;
    else left += Math.max(0, usual - spent);
  }
  return left;
}

/** The share of the whole run that is done: by the time left, or by the progress of its only step. */
export function shareDone(run: Run, medians: Medians, now: number): number | null {
  const left = timeLeft(run, medians, now);
  const spent = elapsed(run, now);
  if (left !== null && spent !== null && spent + left > 0) return spent / (spent + left);
  return run.steps.length === 1 ? progressOf(run) : null;
}

/** The number of completed parts of `of`. The tolerance keeps 29 of 100 at 29 despite floating-point errors. */
export const completedParts = (share: number, of: number): number => Math.floor(share * of + 1e-6);
