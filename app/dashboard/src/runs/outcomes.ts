/** How a run ended, and at which step. */
import type { Run, RunStep } from '../api/mapping';
import { formatCompleted, formatOrigin } from './format';

/** What a run came to, or what it is doing, in a few words: `3 steps completed`, `parse: exit code 1`, `in parse`. */
export function formatResult(run: Run): string {
  if (run.status === 'completed') return formatCompleted(run);
  if (run.status === 'cancelled')
    return formatOrigin('Cancelled', run.cancelRequestedBy) + (run.cancelReason ? `: ${run.cancelReason}` : '');
  return run.errorMessage ?? (run.currentStep === null ? '' : `in ${run.currentStep}`);
}

export const failedStepOf = (run: Run): RunStep | undefined =>
  run.steps.find((step) => step.status === 'failed') ?? run.steps.find((step) => step.status === 'interrupted');

/** The step that stopped a run, from which a rerun with `failed` begins. */
export const stoppedStepOf = (run: Run): RunStep | undefined =>
  run.steps.find(({ status }) => status === 'failed' || status === 'cancelled' || status === 'interrupted');
