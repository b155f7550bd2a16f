import { expect, test } from 'vitest';
import { axisOfEnded, ticksUpTo } from './ticks';

test('the last tick is not before the end', () => {
  expect(ticksUpTo(17_000)).toEqual([0, 5_000, 10_000, 15_000, 20_000]);
  expect(ticksUpTo(0)).toEqual([0, 250, 500, 750, 1_000]);
});

test('a run that ended early has room on its axis', () => {
  expect(axisOfEnded(6_000, 9_000, 0)).toBe(9_000);
  expect(axisOfEnded(6_000, 3_600_000, 0)).toBe(24_000);
  expect(axisOfEnded(60_000, 9_000, 0)).toBe(60_000);
});

test('an interrupted run whose output is unknown has an axis up to the time when its end was noticed', () => {
  expect(axisOfEnded(0, 0, 25_000)).toBe(25_000);
});

test('a gap of some seconds is on the axis of an interrupted run, however early its output ended', () => {
  expect(axisOfEnded(20, 900, 3_300)).toBe(3_300);
  expect(axisOfEnded(20, 900, 3_600_000)).toBe(10_000);
  expect(axisOfEnded(6_000, 900, 3_600_000)).toBe(24_000);
});
