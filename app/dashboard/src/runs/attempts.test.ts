import { expect, test } from 'vitest';
import { aRun, aRunStep, anAttempt } from '../log/testing';
import { compareFailures, formatAttempts, formatAwaited } from './attempts';
import { barsOf } from './bars';
import { formatCompleted } from './format';
import { mediansOf, timeLeft } from './timing';

const FAILED = anAttempt({ number: 1, startedAt: 0, finishedAt: 20, errorMessage: 'exit code 75' });
const COMPLETED = anAttempt({ number: 2, status: 'completed', startedAt: 60, finishedAt: 100 });
const NONE = mediansOf([]);

const waiting = aRunStep({
  name: 'load',
  status: 'waiting',
  startedAt: 0,
  maxAttempts: 3,
  attempts: [FAILED],
  nextAttemptAt: 60,
});
const running = aRunStep({ name: 'load', status: 'running', startedAt: 0, maxAttempts: 3 });
const completed = aRunStep({
  name: 'load',
  status: 'completed',
  startedAt: 0,
  finishedAt: 100,
  maxAttempts: 3,
  attempts: [FAILED, COMPLETED],
});
const USUAL = mediansOf([aRun({ id: 1, status: 'completed', startedAt: 0, finishedAt: 100, steps: [completed] })]);

test('a step that waits for its next attempt says when it begins', () => {
  expect(formatAwaited({ ...waiting, nextAttemptAt: 12_000 }, 0)).toBe('attempt 2 of 3, in 12\u00a0s');
  expect(formatAwaited(aRunStep({ status: 'waiting', resources: { gpu: 1 } }), 0)).toBe('gpu');
});

test('attempts are counted from the second one', () => {
  expect(formatAttempts(waiting)).toBe('');
  expect(formatAttempts(completed)).toBe('attempt 2 of 3');
});

test.each([
  [['busy'], ''],
  [['busy', 'busy'], 'Both attempts failed for the same reason.'],
  [['busy', 'busy', 'busy'], 'All three attempts failed for the same reason.'],
  [['busy', 'busy', 'busy', 'busy'], 'All 4 attempts failed for the same reason.'],
  [['busy', 'timed out'], 'Each attempt failed for a different reason.'],
  [['busy', 'timed out', 'busy'], 'The attempts failed for different reasons.'],
])('attempts that failed with %j', (reasons, sentence) => {
  const attempts = reasons.map((errorMessage) => anAttempt({ errorMessage }));

  expect(compareFailures({ attempts })).toBe(sentence);
});

test('numbers in a reason do not make it another one, but the exit code does', () => {
  const busy = anAttempt({ exitCode: 75, errorMessage: 'exit code 75: busy since 12:00' });

  expect(compareFailures({ attempts: [busy, { ...busy, errorMessage: 'exit code 75: busy since 12:05' }] })).toBe(
    'Both attempts failed for the same reason.',
  );
  expect(compareFailures({ attempts: [busy, { ...busy, exitCode: 1, errorMessage: 'exit code 1: busy' }] })).toBe(
    'Each attempt failed for a different reason.',
  );
});

test('a completed run says how many retries it needed', () => {
  expect(formatCompleted({ steps: [completed] })).toBe('load completed, 1 retry');
  expect(formatCompleted({ steps: [completed, completed] })).toBe('2 steps completed, 2 retries');
});

test('the usual duration of a step is that of the attempt that succeeded', () => {
  expect(USUAL.steps.get('load')).toBe(40);
});

test.each([
  ['has not begun', aRunStep({ name: 'load' }), 100],
  ['is in its first attempt', { ...running, attempts: [anAttempt({ status: 'running', startedAt: 0 })] }, 90],
  ['is in its second attempt', { ...running, attempts: [FAILED, { ...COMPLETED, startedAt: 5 }] }, 35],
] as const)('the time left includes the pauses that a step usually needs, if it %s', (_, step, left) => {
  expect(timeLeft(aRun({ steps: [step] }), USUAL, 10)).toBe(left);
});

test('the time left is unknown while a step waits for a resource', () => {
  const step = aRunStep({ name: 'load', status: 'waiting', resources: { gpu: 1 } });

  expect(timeLeft(aRun({ steps: [step] }), USUAL, 10)).toBeNull();
});

test('the time left includes the pause before the next attempt', () => {
  const run = aRun({ currentStep: null, steps: [waiting] });

  expect(timeLeft(run, USUAL, 30)).toBe(30 + 40);
});

test('a bar has a part for each attempt', () => {
  const [bar] = barsOf(aRun({ status: 'completed', steps: [completed] }), USUAL, null, 200);

  expect(bar!.parts).toEqual([
    { state: 'failed', from: 0, upTo: 20 },
    { state: 'completed', from: 60, upTo: 100 },
  ]);
  expect([bar!.from, bar!.upTo, bar!.attemptFrom, bar!.usualEnd]).toEqual([0, 100, 60, 100]);
});

test('the bar of a waiting step ends now, and its next attempt is still to come', () => {
  const [bar] = barsOf(aRun({ currentStep: null, steps: [waiting] }), USUAL, null, 30);

  expect([bar!.state, bar!.upTo, bar!.attemptFrom, bar!.expectedEnd]).toEqual(['waiting', 30, 60, 100]);
  expect(bar!.parts).toEqual([{ state: 'failed', from: 0, upTo: 20 }]);
});

test('a step without retries is one part', () => {
  const step = aRunStep({ status: 'completed', startedAt: 10, finishedAt: 30 });

  expect(barsOf(aRun({ steps: [step] }), NONE, null, 30)[0]!.parts).toEqual([
    { state: 'completed', from: 10, upTo: 30 },
  ]);
  expect(barsOf(aRun({ steps: [aRunStep()] }), NONE, null, 30)[0]!.parts).toEqual([]);
});
