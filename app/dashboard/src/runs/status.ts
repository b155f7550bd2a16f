/**
 * What a status means. A run passes through its statuses in one direction and ends once; "not active" is not "ended",
 * because a queued run is neither. An unknown status of a newer service is neither ended nor holding a project.
 */

/** The statuses that the API filters by. */
export const STATUSES = ['queued', 'pending', 'running', 'completed', 'failed', 'cancelled', 'interrupted'] as const;
export type Status = (typeof STATUSES)[number] | 'waiting';
export type StepStatus = Status | 'skipped';

/** A run's status, or `cancelling` between the cancel request and the end. */
export type DisplayStatus = StepStatus | 'cancelling';

interface Cancellable {
  readonly status: Status;
  readonly cancelRequestedAt: number | null;
}

const ENDED: ReadonlySet<string> = new Set(['completed', 'failed', 'cancelled', 'interrupted', 'skipped']);
const HOLDING: ReadonlySet<string> = new Set(['pending', 'running', 'waiting']);
/** A run may go from running to waiting and back, so the two rank alike. */
const RANKS: Readonly<Record<string, number>> = { queued: 0, pending: 1, running: 2, waiting: 2 };

/** Whether the status is final. */
export const hasEnded = (status: string): boolean => ENDED.has(status);

/** Whether a run with this status keeps its project busy. A queued run waits for the project and does not hold it. */
export const holdsProject = (status: string): boolean => HOLDING.has(status);

/** Whether `status` always comes before `known`, so that an update with it is out of date. Unknown ones have no order. */
export function isEarlier(status: string, known: string): boolean {
  if (hasEnded(known) || hasEnded(status)) return hasEnded(known) && !hasEnded(status);
  const [rank, knownRank] = [RANKS[status], RANKS[known]];
  return rank !== undefined && knownRank !== undefined && rank < knownRank;
}

export const isCancelling = (run: Cancellable): boolean => !hasEnded(run.status) && run.cancelRequestedAt !== null;

export const displayStatus = (run: Cancellable): DisplayStatus => (isCancelling(run) ? 'cancelling' : run.status);
