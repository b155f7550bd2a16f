import { expect, test } from 'vitest';
import { displayStatus, hasEnded, holdsProject, isCancelling, isEarlier } from './status';
import type { Status } from './status';

test.each([
  ['queued', false, false],
  ['pending', false, true],
  ['running', false, true],
  ['waiting', false, true],
  ['completed', true, false],
  ['failed', true, false],
  ['cancelled', true, false],
  ['interrupted', true, false],
  ['skipped', true, false],
  ['a status of a newer service', false, false],
])('%s: ended %j, holds the project %j', (status, ended, holds) => {
  expect(hasEnded(status)).toBe(ended);
  expect(holdsProject(status)).toBe(holds);
});

test.each([
  ['queued', 'pending'],
  ['queued', 'running'],
  ['pending', 'running'],
  ['pending', 'waiting'],
  ['queued', 'cancelled'],
  ['running', 'completed'],
  ['waiting', 'failed'],
  ['new', 'interrupted'],
])('%s is earlier than %s, and never the reverse', (earlier, later) => {
  expect(isEarlier(earlier, later)).toBe(true);
  expect(isEarlier(later, earlier)).toBe(false);
});

test.each([
  ['running', 'waiting'],
  ['new', 'pending'],
  ['new', 'queued'],
  ['new', 'running'],
  ['running', 'running'],
  ['completed', 'failed'],
])('%s and %s have no order', (one, other) => {
  expect(isEarlier(one, other)).toBe(false);
  expect(isEarlier(other, one)).toBe(false);
});

test.each([
  ['queued', 'cancelling'],
  ['running', 'cancelling'],
  ['waiting', 'cancelling'],
  ['cancelled', 'cancelled'],
  ['completed', 'completed'],
] as const)('a %s run with a cancel request is shown as %s', (status: Status, shown) => {
  const run = { status, cancelRequestedAt: 1 };

  expect(displayStatus(run)).toBe(shown);
  expect(isCancelling(run)).toBe(shown === 'cancelling');
});
