import { expect, test } from 'vitest';
import type { NotificationDelivery } from '../api/notifications';
import { formatDelivery, lastErrorOf } from './deliveries';

const NOW = 1_000_000;

const aDelivery = (changes: Partial<NotificationDelivery> = {}): NotificationDelivery => ({
  id: 1,
  target: 'ops',
  event: 'failed',
  project: 'etl',
  runId: 7,
  status: 'pending',
  occurredAt: NOW - 60_000,
  nextAttemptAt: NOW - 60_000,
  finishedAt: null,
  attemptCount: 0,
  attempts: [],
  ...changes,
});
const failed = [{ at: NOW - 5_000, error: 'answered 503' }];

test('a delivery says what became of it', () => {
  expect(formatDelivery(aDelivery(), NOW)).toBe('sending');
  expect(formatDelivery(aDelivery({ attempts: failed, nextAttemptAt: NOW + 12_000 }), NOW)).toBe(
    'next attempt in 12\u00a0s',
  );
  expect(formatDelivery(aDelivery({ attempts: failed, nextAttemptAt: NOW - 1 }), NOW)).toBe('sending');
  expect(formatDelivery(aDelivery({ status: 'delivered', finishedAt: NOW - 120_000 }), NOW)).toBe(
    'delivered 2 min ago',
  );
  expect(formatDelivery(aDelivery({ status: 'given_up', finishedAt: NOW - 30_000 }), NOW)).toBe('given up 30 s ago');
});

test('the last error is that of the last attempt', () => {
  expect(lastErrorOf({ attempts: [] })).toBeNull();
  expect(lastErrorOf({ attempts: failed })).toBe('answered 503');
  expect(lastErrorOf({ attempts: [...failed, { at: NOW, error: null }] })).toBeNull();
});
