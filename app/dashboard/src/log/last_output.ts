/** When an interrupted step last wrote: until then, it is known to have worked. */
import { readLog } from '../api/client';
import type { LogRecord } from '../api/mapping';

/** More than what the service itself writes at the end of a step. */
const LIMIT = 20;

/** The time of the last record in order that is not of the service; the end of a step is, unless it was killed. */
export function lastOutputIn(records: readonly LogRecord[]): number | null {
  const last = records.findLast(({ stream, event }) => stream !== 'solorun' || event === 'step');
  return last ? Date.parse(last.time) : null;
}

/** Reads it for the step's attempt that begins with the record `from`. Null if it wrote nothing. Throws a Problem. */
export async function readLastOutput(
  runId: number,
  step: string,
  from: number,
  signal: AbortSignal,
): Promise<number | null> {
  const { records } = await readLog(runId, { limit: LIMIT, step }, signal);
  return lastOutputIn(records.filter(({ seq }) => seq >= from));
}
