/** The processes that execute runs: the requests, and their types. */
import { client } from './client';
import { type Run, toRun } from './mapping';
import type { components } from './schema';

type Wire = components['schemas'];

export interface Worker {
  readonly id: string;
  readonly host: string;
  /** Null for a worker that executes runs with any labels. */
  readonly labels: readonly string[] | null;
  /** How many runs it executes at a time; null without a limit. */
  readonly capacity: number | null;
  readonly state: Wire['WorkerState'];
  readonly runs: readonly number[];
  readonly startedAt: number;
  readonly lastSeen: number;
}

export interface WorkerList {
  readonly workers: readonly Worker[];
  /** The pending runs that no worker has begun, oldest first. */
  readonly waiting: readonly Run[];
  /** If not, the service is the only worker. */
  readonly isShared: boolean;
}

export const toWorkerList = (wire: Wire['WorkerList']): WorkerList => ({
  workers: wire.workers.map(toWorker),
  waiting: wire.waiting.map(toRun),
  isShared: wire.shares_database,
});

const toWorker = (wire: Wire['WorkerStatus']): Worker => ({
  id: wire.id,
  host: wire.host,
  labels: wire.labels,
  capacity: wire.capacity,
  state: wire.state,
  runs: wire.runs,
  startedAt: Date.parse(wire.started_at),
  lastSeen: Date.parse(wire.last_seen),
});

export async function listWorkers(): Promise<WorkerList> {
  const { data } = await client.GET('/api/v1/workers');
  return toWorkerList(data!);
}

/** The worker takes no new runs. */
export async function drainWorker(worker: string): Promise<void> {
  await client.POST('/api/v1/workers/{worker}/drain', { params: { path: { worker } } });
}
