/** What runs of several projects share: the requests, and their types. */
import { client } from './client';
import { type Run, toRun } from './mapping';
import type { components } from './schema';

type Wire = components['schemas'];

/** One slot of a resource, held by a run, or by one of its steps. */
export interface Hold {
  readonly slot: number;
  readonly runId: number;
  readonly project: string;
  /** Null for the run itself. */
  readonly step: string | null;
  readonly since: number;
}

/** What runs of several projects share. */
export interface Resource {
  readonly name: string;
  /** What was declared last; 0 for a resource that is no longer declared, but still held. */
  readonly slots: number;
  /** What this service declares. Another one may have another solorun.toml. */
  readonly declaredSlots: number;
  readonly holds: readonly Hold[];
  /** In the order in which they will begin. */
  readonly waiting: readonly Run[];
}

export function toResource(wire: Wire['ResourceSummary']): Resource {
  return {
    name: wire.name,
    slots: wire.slots,
    declaredSlots: wire.declared_slots,
    holds: wire.holds.map((hold) => ({
      slot: hold.slot,
      runId: hold.run_id,
      project: hold.project,
      step: hold.step || null,
      since: Date.parse(hold.held_since),
    })),
    waiting: wire.waiting.map(toRun),
  };
}

export async function listResources(): Promise<Resource[]> {
  const { data } = await client.GET('/api/v1/resources');
  return data!.resources.map(toResource);
}
