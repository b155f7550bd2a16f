/** The hooks of a project, converted from the API's types. */
import type { components } from './schema';

type Wire = components['schemas'];

/** What a verified delivery led to. */
export interface Delivery {
  readonly deliveredAt: number;
  /** The sender's name for what happened; empty if it has none. */
  readonly event: string;
  readonly outcome: Wire['DeliveryOutcome'];
  readonly runId: number | null;
  readonly reason: string;
}

/** An address at which another program starts runs. */
export interface Hook {
  readonly name: string;
  readonly path: string;
  readonly lastDelivery: Delivery | null;
}

export const toHook = ({ name, path, last_delivery: last }: Wire['HookSummary']): Hook => ({
  name,
  path,
  lastDelivery: last
    ? {
        deliveredAt: Date.parse(last.delivered_at),
        event: last.event,
        outcome: last.outcome,
        runId: last.run_id ?? null,
        reason: last.reason ?? '',
      }
    : null,
});
