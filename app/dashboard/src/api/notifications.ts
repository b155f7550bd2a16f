/** Notification targets and the deliveries to them: the requests, and their types. */
import { client } from './client';
import type { components } from './schema';

type Wire = components['schemas'];

/** One attempt to deliver. `error` is null if it succeeded. */
export interface DeliveryAttempt {
  readonly at: number;
  readonly error: string | null;
}

/** A notification on its way to one target. */
export interface NotificationDelivery {
  readonly id: number;
  readonly target: string;
  readonly event: Wire['NotifyEvent'];
  /** Empty for a test. */
  readonly project: string;
  readonly runId: number | null;
  readonly status: Wire['DeliveryStatus'];
  readonly occurredAt: number;
  readonly nextAttemptAt: number | null;
  readonly finishedAt: number | null;
  readonly attemptCount: number;
  /** The last ones, oldest first. */
  readonly attempts: readonly DeliveryAttempt[];
}

/** Where notifications are sent. */
export interface NotifyTarget {
  readonly name: string;
  readonly kind: Wire['TargetKind'];
  readonly on: readonly string[];
  /** Variables that it names and that the service does not have. */
  readonly missingVariables: readonly string[];
  readonly projects: readonly string[];
  readonly pendingCount: number;
  readonly lastDelivery: NotificationDelivery | null;
}

const time = (text: string | null | undefined): number | null => (text ? Date.parse(text) : null);

export const toDelivery = (wire: Wire['Delivery']): NotificationDelivery => ({
  id: wire.id,
  target: wire.target,
  event: wire.event,
  project: wire.project,
  runId: wire.run_id,
  status: wire.status,
  occurredAt: Date.parse(wire.occurred_at),
  nextAttemptAt: time(wire.next_attempt_at),
  finishedAt: time(wire.finished_at),
  attemptCount: wire.attempt_count ?? 0,
  attempts: (wire.attempts ?? []).map(({ at, error }) => ({ at: Date.parse(at), error: error ?? null })),
});

export const toNotifyTarget = (wire: Wire['NotifyTargetSummary']): NotifyTarget => ({
  name: wire.name,
  kind: wire.kind,
  on: wire.on,
  missingVariables: wire.missing_variables,
  projects: wire.projects,
  pendingCount: wire.pending_count,
  lastDelivery: wire.last_delivery ? toDelivery(wire.last_delivery) : null,
});

export async function listNotifyTargets(): Promise<NotifyTarget[]> {
  const { data } = await client.GET('/api/v1/notify');
  return data!.targets.map(toNotifyTarget);
}

/** Those to a target, those about a run, or all of them. */
export async function listDeliveries(
  selected: { readonly target?: string; readonly run_id?: number },
  cursor?: string,
): Promise<{ deliveries: NotificationDelivery[]; nextCursor: string | null }> {
  const query = { ...selected, ...(cursor !== undefined && { cursor }) };
  const { data } = await client.GET('/api/v1/deliveries', { params: { query } });
  return { deliveries: data!.deliveries.map(toDelivery), nextCursor: data!.next_cursor };
}

export async function redeliver(id: number): Promise<NotificationDelivery> {
  const { data } = await client.POST('/api/v1/deliveries/{delivery_id}/redeliver', {
    params: { path: { delivery_id: id } },
  });
  return toDelivery(data!);
}

export async function testNotifyTarget(target: string): Promise<void> {
  await client.POST('/api/v1/notify/{target}/test', { params: { path: { target } } });
}
