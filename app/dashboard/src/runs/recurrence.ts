/** How often a run's failure has occurred lately. */
import type { Run } from '../api/mapping';

/** Numbers in messages are often times, ports or counters. Any two interruptions are alike. */
const kindOf = ({ status, errorMessage }: Run): string | null =>
  status === 'interrupted' ? status : (errorMessage?.replace(/\d+/g, '') ?? null);

/**
 * `33 of the last 34 runs failed in the same way, since #211`, `2 of the last 9 runs were interrupted`, or '' if unknown. `history` has the latest runs of the
 * project, newest first. Only those that are not newer than the run count.
 */
export function formatRecurrence(run: Run, history: readonly Run[]): string {
  const runs = history.filter(({ id, finishedAt }) => id <= run.id && finishedAt !== null);
  if (runs.length < 2 || runs[0]?.id !== run.id || kindOf(run) === null) return '';
  const alike = runs.filter((other) => kindOf(other) === kindOf(run));
  const isInterrupted = run.status === 'interrupted';
  const what = isInterrupted ? 'were interrupted' : 'failed in the same way';
  const first = alike[alike.length - 1]!;
  if (alike.length === 1)
    return runs.length === 2
      ? ''
      : `None of the previous ${runs.length - 1} runs ${isInterrupted ? 'was interrupted' : what}`;
  const since = first === runs[runs.length - 1] ? '' : `, since #${first.id}`;
  if (alike.length === runs.length) return `The last ${runs.length} runs ${what}`;
  return `${alike.length} of the last ${runs.length} runs ${what}${since}`;
}
