import { expect, test } from 'vitest';
import type { RunStep } from '../api/mapping';
import { aRun, aRunStep } from '../log/testing';
import { completedParts, elapsed, median, mediansOf, progressOf, shareDone, timeLeft } from './timing';

const aStep = (name: string, startedAt: number | null, finishedAt: number | null): RunStep =>
  aRunStep({
    name,
    status: finishedAt !== null ? 'completed' : startedAt !== null ? 'running' : 'pending',
    startedAt,
    finishedAt,
  });
const earlier = [100, 300, 200].map((took, i) =>
  aRun({
    id: i + 1,
    status: 'completed',
    startedAt: 0,
    finishedAt: took * 2,
    steps: [aStep('a', 0, took), aStep('b', took, took * 2)],
  }),
);
const medians = mediansOf(earlier);

test.each([
  [[], null],
  [[3, 1, 2], 2],
  [[4, 1, 2, 3], 2.5],
])('the median of %j is %j', (values, middle) => {
  expect(median(values)).toBe(middle);
});

test('medians cover completed runs, without the run itself', () => {
  expect(medians.steps.get('a')).toBe(200);
  expect(medians.scopes.get('full')).toBe(400);
  expect(mediansOf(earlier, 2).steps.get('a')).toBe(150);
});

test('the time left is the rest of this step and all of the next ones', () => {
  const run = aRun({ currentStep: 'a', steps: [aStep('a', 0, null), aStep('b', null, null)] });

  expect(timeLeft(run, medians, 50)).toBe(350);
  expect(shareDone(run, medians, 50)).toBe(50 / 400);
});

test('the progress of a step takes precedence over its median', () => {
  const run = aRun({ currentStep: 'a', progressCurrent: 1, progressTotal: 4, steps: [aStep('a', 0, null)] });

  expect(timeLeft(run, medians, 100)).toBe(300);
  expect(progressOf(run)).toBe(0.25);
});

test.each([29, 57, 58, 75])('a single step at %i of 100 shows that percentage at any time', (current) => {
  const run = aRun({
    startedAt: 0,
    currentStep: 'a',
    progressCurrent: current,
    progressTotal: 100,
    steps: [aStep('a', 0, null)],
  });

  const shown = Array.from({ length: 200 }, (_, i) => completedParts(shareDone(run, medians, 137 * (i + 1))!, 100));

  expect(new Set(shown)).toEqual(new Set([current]));
});

test('the time left is never negative', () => {
  expect(timeLeft(aRun({ currentStep: 'b', steps: [aStep('b', 0, null)] }), medians, 999)).toBe(0);
});

test.each([
  ['a step has no history', aRun({ steps: [aStep('new', null, null)] })],
  ['the run is being cancelled', aRun({ cancelRequestedAt: 1, steps: [aStep('a', 0, null)] })],
  ['the run has ended', aRun({ status: 'completed', steps: [aStep('a', 0, 1)] })],
])('the time left is unknown when %s', (_, run) => {
  expect(timeLeft(run, medians, 10)).toBeNull();
});

test('the duration of what was interrupted is unknown: its end was noticed later', () => {
  expect(elapsed({ ...aStep('a', 10, 30_000), status: 'interrupted' }, 99)).toBeNull();
});

test('a service that shut down saw the end of the command, and so of the run', () => {
  const step: RunStep = { ...aStep('a', 10, 30), status: 'interrupted', exitCode: -15 };

  expect(elapsed(step, 99)).toBe(20);
  expect(elapsed(aRun({ status: 'interrupted', startedAt: 5, finishedAt: 31, steps: [step] }), 99)).toBe(26);
});

test('an earlier step with an exit code does not tell when an interrupted run ended', () => {
  const steps: RunStep[] = [aStep('a', 10, 30), { ...aStep('b', 30, 50_000), status: 'interrupted' }];

  expect(elapsed(aRun({ status: 'interrupted', startedAt: 5, finishedAt: 50_000, steps }), 99)).toBeNull();
});

test('elapsed time ends at the finish, or now', () => {
  expect(elapsed(aStep('a', 10, 30), 99)).toBe(20);
  expect(elapsed(aStep('a', 10, null), 99)).toBe(89);
  expect(elapsed(aStep('a', null, null), 99)).toBeNull();
});
