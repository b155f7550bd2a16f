import { expect, test } from 'vitest';
import type { RunStep } from '../api/mapping';
import { aRun, aRunStep } from '../log/testing';
import { type Bar, barsOf } from './bars';
import { focusOf, foldBars, rowsOf } from './gantt_rows';
import type { Medians } from './timing';

const STEPS = new Map(Array.from({ length: 200 }, (_, i) => [`s${i}`, 50]));
const USUAL: Medians = { steps: STEPS, allAttempts: STEPS, scopes: new Map() };

/** One step after the other, each of 100 ms; the last of them has the given status, and the rest are to come. */
function barsUpTo(started: number, count: number, last: RunStep['status'], rest: RunStep['status'] = 'pending'): Bar[] {
  const steps = Array.from({ length: count }, (_, i) =>
    aRunStep({
      name: `s${i}`,
      status: i < started - 1 ? 'completed' : i < started ? last : rest,
      startedAt: i < started ? i * 100 : null,
      finishedAt: i < started && last !== 'running' ? i * 100 + 100 : i < started - 1 ? i * 100 + 100 : null,
    }),
  );
  return barsOf(aRun({ startedAt: 0, createdAt: 0, status: 'running', steps }), USUAL, null, started * 100);
}

/** The numbers of steps in the folded row before, in rows of their own, and in the folded row after. */
function countsOf(bars: readonly Bar[], limit: number): number[] {
  const { before, shown, after } = rowsOf(bars, focusOf(bars), limit);
  expect([...before, ...shown, ...after]).toEqual(bars);
  return [before.length, shown.length, after.length];
}

test.each([
  [1, 1, [0, 1, 0]],
  [3, 9, [0, 9, 0]],
  [1, 10, [0, 8, 2]],
  [10, 10, [2, 8, 0]],
  [15, 25, [11, 7, 7]],
  [5, 25, [0, 8, 17]],
  [6, 25, [2, 7, 16]],
  [150, 200, [146, 7, 47]],
])('while step %i of %i runs, at most nine rows are shown', (started, count, expected) => {
  const bars = barsUpTo(started, count, 'running');

  expect(countsOf(bars, 9)).toEqual(expected);
  expect(rowsOf(bars, focusOf(bars), 9).shown.some(({ state }) => state === 'running')).toBe(true);
});

test('the step that failed and its neighbours stay', () => {
  const bars = barsUpTo(100, 200, 'failed', 'skipped');

  expect(rowsOf(bars, focusOf(bars), 5).shown.map(({ step }) => step.name)).toEqual(['s98', 's99', 's100']);
});

test('of a completed run, the longest step stays', () => {
  const bars = barsUpTo(25, 25, 'completed');
  const longest = { ...bars[12]!, upTo: bars[12]!.upTo + 1 };

  expect(focusOf([...bars.slice(0, 12), longest, ...bars.slice(13)])).toBe(12);
});

test('folded steps are one bar, with what they took', () => {
  const folded = foldBars(barsUpTo(20, 25, 'running').slice(0, 14));

  expect([folded.state, folded.from, folded.upTo, folded.parts.length]).toEqual(['completed', 0, 1400, 1]);
});

test('folded steps to come are one outline, with what they usually take', () => {
  const folded = foldBars(barsUpTo(10, 25, 'running').slice(10));

  expect(folded.isExpected).toBe(true);
  expect(folded.parts).toEqual([]);
  expect(folded.usualEnd! - folded.attemptFrom).toBe(15 * 50);
});

test('a folded group shows its worst state', () => {
  expect(foldBars(barsUpTo(5, 25, 'failed', 'skipped')).state).toBe('failed');
});
