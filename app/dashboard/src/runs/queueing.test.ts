import { expect, test } from 'vitest';
import { aRun } from '../log/testing';
import { awaitedBy, formatSlots, formatWait } from './queueing';

const NOON = new Date(2026, 2, 1, 12).getTime();
const MINUTE = 60_000;

test.each([
  [{ queuePosition: 2 }, 'Number 2 in the queue'],
  [{ queuePosition: 2, estimatedStartAt: NOON + 125 * MINUTE }, 'Number 2 in the queue, begins at about 14:05'],
  [{ queuePosition: 2, estimatedStartAt: NOON + 720 * MINUTE }, 'Number 2 in the queue, begins at about 2 Mar, 00:00'],
  [{ queuePosition: 1, estimatedStartAt: NOON - MINUTE }, 'Number 1 in the queue, begins soon'],
  [{ queuePosition: 1, waitsFor: ['gpu'] }, 'Waits for gpu'],
  [
    { queuePosition: 1, waitsFor: ['gpu', 'licence'], estimatedStartAt: NOON + MINUTE },
    'Waits for gpu and licence, begins at about 12:01',
  ],
  [{ queuePosition: 1, replaces: 17 }, 'Begins when run #17 has stopped'],
])('a queued run with %j', (changes, sentence) => {
  expect(formatWait(aRun({ status: 'queued', ...changes }), NOON)).toBe(sentence);
});

test('slots are shown by resource', () => {
  expect(formatSlots({})).toBe('');
  expect(formatSlots({ gpu: [0, 1], licence: [0] })).toBe('gpu\u00a00,\u00a01 · licence\u00a00');
});

test('a waiting step names what it waits for', () => {
  expect(awaitedBy({ resources: { gpu: 1, licence: 2 } })).toBe('gpu and licence');
});
