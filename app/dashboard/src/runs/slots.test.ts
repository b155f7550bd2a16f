import { expect, test } from 'vitest';
import type { Hold } from '../api/resources';
import { slotsOf } from './slots';

const held = (slot: number): Hold => ({ slot, runId: 17, project: 'train', step: null, since: 0 });

test('free slots are listed between those that are held', () => {
  expect(slotsOf({ slots: 3, holds: [held(1)] })).toEqual([
    { number: 0, hold: null },
    { number: 1, hold: held(1) },
    { number: 2, hold: null },
  ]);
});

test('a slot that is no longer declared is listed while it is held', () => {
  expect(slotsOf({ slots: 1, holds: [held(3)] }).map(({ number }) => number)).toEqual([0, 3]);
});
