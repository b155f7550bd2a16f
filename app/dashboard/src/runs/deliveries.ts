/** What became of a delivery, in words. */
import type { NotificationDelivery } from '../api/notifications';
import { formatDuration, formatRelativeTime } from './format';

/** `delivered 2 min ago`, `next attempt in 12 s`, `given up yesterday`. */
export function formatDelivery(delivery: NotificationDelivery, now: number): string {
  if (delivery.status === 'pending') {
    const wait = (delivery.nextAttemptAt ?? 0) - now;
    if (!delivery.attempts.length || wait <= 0) return 'sending';
    return `next attempt in ${formatDuration(Math.max(1_000, wait))}`;
  }
  const when = delivery.finishedAt === null ? '' : ` ${formatRelativeTime(delivery.finishedAt, now)}`;
  return `${delivery.status === 'delivered' ? 'delivered' : 'given up'}${when}`;
}

/** Why the last attempt failed; null if it succeeded or if there was none. */
export const lastErrorOf = ({ attempts }: Pick<NotificationDelivery, 'attempts'>): string | null =>
  attempts.at(-1)?.error ?? null;
