import { expect, test } from 'vitest';
import type { Cancel, Run } from '../api/mapping';
import { aRun, aRunStep } from '../log/testing';
import { countProcesses, formatCancel, formatStand } from './cancelling';

const ASKED: Cancel = {
  requestedAt: 1_000,
  requestedBy: 'ada',
  reason: '',
  graceMs: null,
  signalledAt: null,
  position: [],
  effect: null,
  settledAt: null,
};
const SIGNALLED: Cancel = { ...ASKED, signalledAt: 1_000, graceMs: 20_000 };
const settled = (effect: Cancel['effect'], after: number): Cancel => ({
  ...SIGNALLED,
  effect,
  settledAt: 1_000 + after,
});

const LIVE = aRun({ status: 'running', currentStep: 'score', steps: [aRunStep({ name: 'score', status: 'running' })] });
const BETWEEN = aRun({ status: 'running', currentStep: null, steps: [aRunStep({ name: 'score', status: 'pending' })] });
const OVER = aRun({ status: 'cancelled', steps: [aRunStep({ name: 'score', status: 'cancelled' })] });
const EARLY = aRun({ status: 'cancelled', steps: [aRunStep({ name: 'score', status: 'skipped' })] });
const HERE = { isFunction: false, host: null };
const FUNCTION = { isFunction: true, host: null };
const REMOTE = { isFunction: false, host: 'gpu-box-1' };
const SILENT = 'If it stays silent, the run is recorded as interrupted.';

test.each<[string, Run, Cancel, typeof HERE | typeof REMOTE, number, string]>([
  ['asked between steps', BETWEEN, ASKED, HERE, 1_500, 'The run ends as soon as no step is running.'],
  ['asked', LIVE, ASKED, HERE, 1_500, 'Stopping step {step}…'],
  [
    'signalled',
    LIVE,
    SIGNALLED,
    HERE,
    1_000,
    'Step {step} has 20 s left of its grace period of 20 s. After that, it is killed.',
  ],
  [
    'cleaning up',
    LIVE,
    SIGNALLED,
    HERE,
    15_000,
    'Step {step} has 6 s left of its grace period of 20 s. After that, it is killed.',
  ],
  ['ignoring it', LIVE, SIGNALLED, HERE, 21_500, 'The grace period of step {step} is over (20 s). It is being killed.'],
  [
    'a function that was signalled',
    LIVE,
    SIGNALLED,
    FUNCTION,
    11_000,
    'Step {step} has 10 s left of its grace period of 20 s. After that, it is cancelled again every second.',
  ],
  [
    'a function that swallows its cancellation',
    LIVE,
    SIGNALLED,
    FUNCTION,
    60_000,
    'The grace period of step {step} is over (20 s). It is cancelled again every second, and the project stays busy until it ends.',
  ],
  ['asked on another host', LIVE, ASKED, REMOTE, 1_500, 'Stopping step {step}…'],
  [
    'a worker that never hears of it',
    LIVE,
    ASKED,
    REMOTE,
    9_000,
    `gpu-box-1 has not stopped step {step} yet. ${SILENT}`,
  ],
  [
    'a worker that never hears of it between steps',
    BETWEEN,
    ASKED,
    REMOTE,
    9_000,
    `gpu-box-1 has not ended the run yet. ${SILENT}`,
  ],
  [
    'a worker that falls silent',
    LIVE,
    SIGNALLED,
    REMOTE,
    33_000,
    `gpu-box-1 should have killed step {step} 12 s ago. ${SILENT}`,
  ],
  ['stopped', OVER, settled('stopped', 3_000), HERE, 9_000, 'Step {step} stopped after 3.0 s.'],
  [
    'ignored',
    OVER,
    settled('ignored', 42_000),
    FUNCTION,
    90_000,
    'Step {step} ignored the request, and ended by itself after 42 s.',
  ],
  [
    'killed',
    OVER,
    settled('killed', 20_000),
    HERE,
    90_000,
    'Step {step} was killed after 20 s, because it did not end within its grace period of 20 s.',
  ],
  [
    'killed at once',
    OVER,
    { ...settled('killed', 100), graceMs: 0 },
    HERE,
    90_000,
    'Step {step} was killed after 0.1 s, because its grace period was 0 s.',
  ],
  [
    'killed with its processes',
    OVER,
    { ...settled('killed', 20_000), position: ['41 (sh build.sh)', '  42 (sleep 60)', 'and 3 more'] },
    HERE,
    90_000,
    'Step {step} was killed after 20 s, because it did not end within its grace period of 20 s. All of its 5 processes have ended.',
  ],
  [
    'stopped with its process',
    OVER,
    { ...settled('stopped', 3_000), position: ['41 (sleep 60)'] },
    HERE,
    9_000,
    'Step {step} stopped after 3.0 s. Its process has ended.',
  ],
  ['ended on its own before it was signalled', OVER, ASKED, HERE, 9_000, 'Step {step} ended.'],
  ['cancelled before any step', EARLY, ASKED, HERE, 9_000, 'No step was running.'],
])('a cancel that is %s', (_, run, cancel, facts, now, sentence) => {
  expect(formatCancel(run, cancel, { ...facts, now }).replaceAll('\u00a0', ' ')).toBe(sentence);
});

test.each([
  [[], 0],
  [['build.py:12 in publish', 'build.py:3 in main'], 0],
  [['41 (sh build.sh)', '  42 (sleep 60)'], 2],
  [['41 (sh build.sh)', 'and 1000 more'], 1001],
])('the processes of the position %j', (position, count) => {
  expect(countProcesses({ ...SIGNALLED, position })).toBe(count);
});

test.each([
  [undefined, ''],
  [{ current: 331, total: 1600, item: 'epoch' }, 'Its progress was 331 of 1,600 (epoch).'],
  [{ current: 12, total: null, item: '' }, 'Its progress was 12.'],
])('where a step stood whose last report was %j', (report, text) => {
  expect(formatStand(report)).toBe(text);
});
