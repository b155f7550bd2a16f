/** The first error of a run that failed: that of the step that did, in its last attempt. Others did not end the run. */
import type { Run } from '../api/mapping';
import { lastAttemptOf } from '../runs/attempts';
import { failedStepOf } from '../runs/outcomes';
import type { ReadLog } from './log_query';

/** The first record of the attempt that decided. */
export function startOfFailure(run: Run): number {
  const step = failedStepOf(run);
  return (step && (lastAttemptOf(step)?.firstSeq ?? step.firstSeq)) ?? 0;
}

/** The seq of the error. Null if there is none. */
export async function findFirstError(run: Run, read: ReadLog, signal: AbortSignal): Promise<number | null> {
  const [first, from] = [run.firstErrorSeq, startOfFailure(run)];
  if (first === null || first >= from) return first;
  const step = failedStepOf(run)!.name;
  const { records } = await read({ step, level: 'error', after: from - 1, limit: 1 }, signal);
  return records[0]?.seq ?? null;
}
