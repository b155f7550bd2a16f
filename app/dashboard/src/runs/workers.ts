/** Workers in words: what a run waits for, and where it is executed. */
import type { Run } from '../api/mapping';
import type { Worker } from '../api/workers';

const list = new Intl.ListFormat('en');

/** `the label gpu`, `the labels eu and gpu`. */
export const formatLabels = (labels: readonly string[]): string =>
  `the label${labels.length === 1 ? '' : 's'} ${list.format(labels)}`;

/** Whether the run is neither queued nor claimed: it holds its project, and waits for a worker. */
export const waitsForWorker = (run: Pick<Run, 'status' | 'worker'>): boolean =>
  run.status === 'pending' && run.worker === null;

/** `Waits for a worker with the label gpu; none is connected`. Without `workers`, because they are not known yet, it does not say why. */
export function formatWorkerWait(run: Pick<Run, 'labels'>, workers: readonly Worker[] | null): string {
  return `Waits for a worker with ${formatLabels(run.labels)}${workers ? reasonOf(run, workers) : ''}`;
}

function reasonOf({ labels }: Pick<Run, 'labels'>, workers: readonly Worker[]): string {
  const able = workers.filter(
    (worker) => worker.state !== 'lost' && labels.every((label) => worker.labels?.includes(label) ?? true),
  );
  if (!able.length) return '; none is connected';
  const active = able.filter(({ state }) => state === 'active');
  if (!active.length) return able.length === 1 ? '; the only one is draining' : '; all of them are draining';
  if (active.some(({ runs, capacity }) => capacity === null || runs.length < capacity)) return '';
  return active.length === 1 ? '; the only one is busy' : '; all of them are busy';
}

/** The host of a worker, whose id begins with it. */
export const hostOf = (worker: string): string => worker.replace(/-[0-9a-f]{16}$/, '');

/** `2 of 4 runs`, `1 run`, `no runs`. */
export function formatLoad({ runs, capacity }: Pick<Worker, 'runs' | 'capacity'>): string {
  if (capacity !== null) return `${runs.length} of ${capacity} ${capacity === 1 ? 'run' : 'runs'}`;
  return runs.length ? `${runs.length} ${runs.length === 1 ? 'run' : 'runs'}` : 'no runs';
}
