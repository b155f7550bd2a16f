import { expect, test } from 'vitest';
import type { Run, RunStep } from '../api/mapping';
import { aRun, aRunStep } from '../log/testing';
import { type Bar, barsOf } from './bars';
import type { Medians } from './timing';

const START = 5_000;

function aStep(name: string, startedAt: number | null, finishedAt: number | null, status: RunStep['status']): RunStep {
  return aRunStep({ name, status, startedAt, finishedAt });
}

const USUAL: Medians = {
  steps: new Map([
    ['fetch', 100],
    ['parse', 300],
    ['render', 50],
  ]),
  allAttempts: new Map(),
  scopes: new Map(),
};

/** `[from, upTo, usualEnd, expectedEnd]` of each bar, since the run's start. */
function barsIn(run: Run, now: number, seenUntil: number | null = null): (number | null)[][] {
  return barsOf(run, USUAL, seenUntil, now).map(({ from, upTo, usualEnd, expectedEnd }: Bar) => [
    from,
    upTo,
    usualEnd,
    expectedEnd,
  ]);
}

const FETCH = aStep('fetch', START, START + 120, 'completed');
const ran = (steps: RunStep[], changes: Partial<Run> = {}): Run =>
  aRun({ createdAt: 0, startedAt: START, steps, ...changes });

test('a completed step ends when it ended, whatever is usual', () => {
  expect(barsIn(ran([FETCH]), 0)).toEqual([[0, 120, 100, 100]]);
});

test('steps to come follow each other from the expected end of the one that runs', () => {
  const run = ran([FETCH, aStep('parse', START + 120, null, 'running'), aStep('render', null, null, 'pending')]);

  expect(barsIn(run, START + 200)).toEqual([
    [0, 120, 100, 100],
    [120, 200, 420, 420],
    [420, 420, 470, 470],
  ]);
});

test('a step that takes longer than usual pushes the next ones back', () => {
  const run = ran([aStep('fetch', START, null, 'running'), aStep('render', null, null, 'pending')]);

  expect(barsIn(run, START + 400)).toEqual([
    [0, 400, 100, 100],
    [400, 400, 450, 450],
  ]);
});

test("a step's progress says better when it ends than earlier runs, once there is some", () => {
  const run = ran([aStep('parse', START, null, 'running')], { currentStep: 'parse', progressTotal: 100 });

  expect(barsIn({ ...run, progressCurrent: 4 }, START + 80)).toEqual([[0, 80, 300, 300]]);
  expect(barsIn({ ...run, progressCurrent: 20 }, START + 80)).toEqual([[0, 80, 300, 400]]);
});

test('a step without history has no expected end', () => {
  const run = ran([aStep('new', START, null, 'running'), aStep('fetch', null, null, 'pending')]);

  expect(barsIn(run, START + 70)).toEqual([
    [0, 70, null, null],
    [70, 70, 170, 170],
  ]);
});

test.each([
  [START + 90, 90, 30_000],
  [START - 10, 0, 30_000],
  [null, 0, 30_000],
  [START + 30_000, 30_000, null],
])('an interrupted step ended between its last output and the notice: %j', (seenUntil, upTo, noticedAt) => {
  const run = ran([aStep('parse', START, START + 30_000, 'interrupted')], { status: 'interrupted' });

  expect(barsOf(run, USUAL, seenUntil, START + 99_000)).toMatchObject([{ from: 0, upTo, noticedAt }]);
});

test('a step whose command the service stopped when it shut down has a known end', () => {
  const stopped = { ...aStep('parse', START, START + 30_000, 'interrupted'), exitCode: -15 };

  expect(barsOf(ran([stopped], { status: 'interrupted' }), USUAL, null, START + 99_000)).toMatchObject([
    { from: 0, upTo: 30_000, noticedAt: null },
  ]);
});

test('a step that has ended marks its usual end, and one to come is outlined', () => {
  const steps = [FETCH, aStep('parse', START + 120, null, 'running'), aStep('render', null, null, 'pending')];

  expect(barsOf(ran(steps), USUAL, null, START + 200)).toMatchObject([
    { isMarked: true, isExpected: false },
    { isMarked: false, isExpected: true },
    { isMarked: false, isExpected: true },
  ]);
});

test('of a run that has failed, nothing is expected any more, and what is usual is marked', () => {
  const steps = [FETCH, aStep('parse', START + 120, START + 200, 'failed'), aStep('render', null, null, 'skipped')];

  expect(barsOf(ran(steps, { status: 'failed' }), USUAL, null, START + 999)).toMatchObject([
    { isMarked: true, isExpected: false },
    { isMarked: true, isExpected: false },
    { from: 200, isMarked: false, isExpected: false },
  ]);
});

test('a run that has not started begins with its creation', () => {
  const run = aRun({ createdAt: START, startedAt: null, steps: [aStep('fetch', null, null, 'pending')] });

  expect(barsIn(run, START + 10)).toEqual([[0, 0, 100, 100]]);
});

test('the step that runs shows that the run is being cancelled', () => {
  const run = ran([FETCH, aStep('parse', START + 120, null, 'running')], { cancelRequestedAt: START + 150 });

  expect(barsOf(run, USUAL, null, START + 200).map(({ state }) => state)).toEqual(['completed', 'cancelling']);
});
