/** The attempts of steps in words. */
import type { Attempt, RunStep } from '../api/mapping';
import { formatElapsed } from './format';
import { awaitedBy } from './queueing';

const COUNTS: Readonly<Record<number, string>> = { 2: 'Both', 3: 'All three' };

/** `attempt 2 of 5, in 12 s`, or the resources that a waiting step waits for. */
export function formatAwaited(step: RunStep, now: number): string {
  if (step.nextAttemptAt === null) return awaitedBy(step);
  return `attempt ${step.attempts.length + 1} of ${step.maxAttempts}, in ${formatElapsed(step.nextAttemptAt - now)}`;
}

/** `attempt 3 of 5`, or '' for a step that has had no second one. */
export const formatAttempts = ({ attempts, maxAttempts }: Pick<RunStep, 'attempts' | 'maxAttempts'>): string =>
  attempts.length > 1 ? `attempt ${attempts.length} of ${maxAttempts}` : '';

/** `All three attempts failed for the same reason.`, or '' for a step that has had no second one. */
export function compareFailures({ attempts }: Pick<RunStep, 'attempts'>): string {
  const failed = attempts.filter(({ status }) => status === 'failed');
  if (failed.length < 2) return '';
  const who = COUNTS[failed.length] ?? `All ${failed.length}`;
  // Numbers in messages are often times, ports or counters.
  const reasons = new Set(
    failed.map(({ exitCode, errorMessage }) => `${exitCode} ${errorMessage?.replace(/\d+/g, '')}`),
  ).size;
  if (reasons === 1) return `${who} attempts failed for the same reason.`;
  return reasons === failed.length
    ? 'Each attempt failed for a different reason.'
    : 'The attempts failed for different reasons.';
}

/** The attempt that decides how the step ends: the last one so far. */
export const lastAttemptOf = ({ attempts }: Pick<RunStep, 'attempts'>): Attempt | undefined =>
  attempts[attempts.length - 1];
