import { expect, test } from 'vitest';
import { skewOf } from './skew';

const NOON = Date.parse('2026-03-01T12:00:00Z');

test.each([
  ['a quick answer', 0, 200, 0],
  ['a slow answer does not set the clock back', 0, 5_200, 0],
  ['the service is an hour ahead', 3_600_000, 200, 3_600_000 - 900],
  ['the service is an hour behind, and slow', -3_600_000, 5_200, -3_600_000 + 300],
])('%s', (_, ahead, took, skew) => {
  const sent = NOON + 700;
  // Cut to the second, as the header is.
  const date = Math.floor((sent + ahead) / 1000) * 1000;

  expect(skewOf(date, sent, sent + took)).toBe(skew);
});
