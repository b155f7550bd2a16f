import { afterEach, expect, test, vi } from 'vitest';
import type { RunStep } from '../api/mapping';
import { aRun, aRunStep } from '../log/testing';
import { preferences } from '../state/preferences.svelte';
import type { StepStatus } from './status';
import {
  formatApproximate,
  formatDuration,
  formatClock,
  formatExact,
  formatMinute,
  zoneBeside,
  formatRelativeTime,
  formatTime,
  formatOrigin,
} from './format';
import { formatScope, formatTrigger } from './starts';
import { formatSize } from '../artifacts/size';
import { formatResult, stoppedStepOf } from './outcomes';
import { formatLogTime, formatTick } from './line_times';

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  preferences.times = 'local';
});

const step = (name: string, status: StepStatus): RunStep => aRunStep({ name, status });

test.each([
  [null, '—'],
  [40, '0.0 s'],
  [9_900, '9.9 s'],
  [34_000, '34 s'],
  [307_000, '5 min 07 s'],
  [7_500_000, '2 h 05 min'],
  [273_600_000, '3 d 4 h'],
])('a duration of %j ms is formatted as %s', (ms, text) => {
  expect(formatDuration(ms).replaceAll('\u00a0', ' ')).toBe(text);
});

test.each([
  [3_000, 'a few seconds'],
  [42_000, 'about 40 s'],
  [58_000, 'about 1 min'],
  [240_000, 'about 4 min'],
  [7_800_000, 'about 2 h 10 min'],
])('%j ms is approximately %s', (ms, text) => {
  expect(formatApproximate(ms)).toBe(text);
});

const EVENING = new Date(2026, 1, 10, 21, 0, 0).getTime();

test.each([
  [0, 'just now'],
  [30, '30 s ago'],
  [90, '1 min ago'],
  [23 * 3600, '23 h ago'],
  [30 * 3600, 'yesterday'],
  [44 * 3600, 'yesterday'],
  [46 * 3600, '2 d ago'],
  [3 * 86400, '3 d ago'],
  [60 * 86400, '12 Dec 2025'],
])('%d seconds before the evening is formatted as %s', (seconds, text) => {
  expect(formatRelativeTime(EVENING - seconds * 1000, EVENING)).toBe(text);
});

test.each([
  ['UTC', '2026-11-27T18:04:18Z', '27 Nov 2026, 18:04:18 UTC'],
  ['Europe/Berlin', '2026-11-27T18:04:18Z', '27 Nov 2026, 19:04:18 CET · 18:04:18 UTC'],
  ['Europe/Berlin', '2026-10-25T00:30:00Z', '25 Oct 2026, 02:30:00 CEST · 00:30:00 UTC'],
  ['Europe/Berlin', '2026-10-25T01:30:00Z', '25 Oct 2026, 02:30:00 CET · 01:30:00 UTC'],
  ['Asia/Tokyo', '2026-11-27T15:00:00Z', '28 Nov 2026, 00:00:00 GMT+9 · 15:00:00 UTC'],
])('an exact time names its zone: %s', (zone, time, text) => {
  expect(formatExact(Date.parse(time), zone)).toBe(text);
});

test.each(['de-DE', 'ja-JP', 'en-US', 'ar-EG'])('all times are in the language of the browser: %s', (language) => {
  vi.stubEnv('TZ', 'Europe/Berlin');
  vi.spyOn(navigator, 'language', 'get').mockReturnValue(language);
  const time = Date.parse('2026-11-27T18:04:18.250Z');
  const repeated = Date.parse('2026-10-25T01:30:00Z');

  expect([
    formatExact(time),
    formatTime(time, time),
    formatTime(time, time + 86_400_000),
    formatMinute(time, time),
    formatMinute(time, time + 86_400_000),
    formatClock(time),
    formatRelativeTime(time, time + 90 * 86_400_000),
    formatLogTime(time),
    formatClock(repeated - 3_600_000),
    formatClock(repeated),
    formatMinute(repeated - 3_600_000, repeated),
    formatMinute(repeated, repeated),
    formatTime(repeated - 3_600_000, time),
    formatTime(repeated, time),
  ]).toMatchSnapshot();
});

test.each(['en-US', 'ar-EG', 'hi-IN', 'ko-KR'])(
  'the time of day has 24 hours where the language has twelve: %s',
  (language) => {
    vi.stubEnv('TZ', 'UTC');
    vi.spyOn(navigator, 'language', 'get').mockReturnValue(`${language}-u-nu-latn`);
    const [midnight, evening] = [Date.parse('2026-11-27T00:04:18Z'), Date.parse('2026-11-27T18:04:18Z')];

    expect([midnight, evening].map((time) => formatTime(time, time).replace(/[\u2068\u2069]/g, ''))).toEqual([
      '00:04:18',
      '18:04:18',
    ]);
    expect([midnight, evening].map((time) => formatClock(time).replace(/[\u2068\u2069]/g, ''))).toEqual([
      '00:04',
      '18:04',
    ]);
  },
);

test('a time that comes twice in the night in which clocks go back names its zone', () => {
  vi.stubEnv('TZ', 'Europe/Berlin');
  const times = ['2026-10-24T23:59:59Z', '2026-10-25T00:30:00Z', '2026-10-25T01:30:00Z', '2026-10-25T02:00:00Z'];
  const clocks = times.map((time) => formatTime(Date.parse(time), Date.parse(time)));

  expect(clocks).toEqual(['01:59:59', '02:30:00 CEST', '02:30:00 CET', '03:00:00']);
});

test('all times can be in UTC', () => {
  vi.stubEnv('TZ', 'Asia/Tokyo');
  const time = Date.parse('2026-11-27T18:04:18.250Z');
  expect([formatLogTime(time), formatClock(time)]).toEqual(['03:04:18.250', '03:04']);

  preferences.times = 'utc';

  expect([formatLogTime(time), formatClock(time)]).toEqual(['18:04:18.250', '18:04']);
  expect(formatTime(time, Date.parse('2026-11-28T01:00:00Z'))).toBe('27 Nov, 18:04:18');
  expect(formatExact(time)).toBe('28 Nov 2026, 03:04:18 GMT+9 · 18:04:18 UTC');
});

test('the time of an event has its date unless it was today', () => {
  expect(formatTime(EVENING, EVENING)).toBe('21:00:00');
  expect(formatTime(EVENING, EVENING + 86_400_000)).toBe('10 Feb, 21:00:00');
});

test.each([
  [999, '999 B'],
  [1_500, '1.5 kB'],
  [25_000_000, '25 MB'],
])('%d bytes is formatted as %s', (bytes, text) => {
  expect(formatSize(bytes).replaceAll('\u00a0', ' ')).toBe(text);
});

test.each(['failed', 'cancelled', 'interrupted'] as const)('a run is stopped by a step that is %s', (status) => {
  const steps = [step('a', 'completed'), step('b', status), step('c', 'skipped')];

  expect(stoppedStepOf(aRun({ steps }))).toBe(steps[1]);
});

test('a completed run and a run that never began have no step that stopped them', () => {
  expect(stoppedStepOf(aRun({ steps: [step('a', 'completed')] }))).toBeUndefined();
  expect(stoppedStepOf(aRun({ steps: [step('a', 'skipped')] }))).toBeUndefined();
});

test.each([
  [{ status: 'completed' }, '2 steps completed'],
  [{ status: 'completed', steps: [step('render', 'completed')] }, 'render completed'],
  [{ status: 'failed', errorMessage: 'b: exit code 1' }, 'b: exit code 1'],
  [{ status: 'running', currentStep: 'b' }, 'in b'],
  [{ status: 'pending', currentStep: null }, ''],
  [{ status: 'cancelled', cancelRequestedBy: 'cli', cancelReason: 'too slow' }, 'Cancelled from the CLI: too slow'],
] as const)('the result of %j is %s', (changes, text) => {
  const steps = [step('a', 'completed'), step('b', 'completed'), step('c', 'skipped')];

  expect(formatResult(aRun({ steps, ...changes }))).toBe(text);
});

test.each([
  ['full', 'All steps'],
  ['from:b', 'From b onwards'],
  ['b', 'Only b'],
])('the scope %s is formatted as %s', (scope, text) => {
  expect(formatScope(scope)).toBe(text);
});

test.each([
  [0, '0 s'],
  [500, '0.5 s'],
  [15_000, '15 s'],
  [90_000, '1 min 30 s'],
  [5_400_000, '1 h 30 min'],
])('an axis label of %d ms is %s', (ms, text) => {
  expect(formatTick(ms).replaceAll('\u00a0', ' ')).toBe(text);
});

test.each([
  ['cli', 'started from the CLI'],
  ['api', 'started through the API'],
  ['nightly', 'started by nightly'],
])('a run triggered by %s was %s', (triggeredBy, text) => {
  expect(formatOrigin('started', triggeredBy)).toBe(text);
});

test.each([
  ['cli', 'CLI'],
  ['nightly', 'nightly'],
])('the trigger %s is shown as %s', (triggeredBy, text) => {
  expect(formatTrigger(triggeredBy)).toBe(text);
});

test('a date half a year away or more has its year', () => {
  const now = Date.UTC(2026, 10, 30);
  const dates = [Date.UTC(2026, 11, 29, 12), Date.UTC(2028, 1, 29, 12), Date.UTC(2032, 1, 29, 12)];

  expect(dates.map((date) => formatMinute(date, now).split(', ')[0])).toEqual(['29 Dec', '29 Feb 2028', '29 Feb 2032']);
});

test('a zone is named beside another one, not beside itself', () => {
  vi.stubEnv('TZ', 'Europe/Berlin');
  expect(zoneBeside('Europe/Berlin')).toEqual({});
  expect(zoneBeside('Asia/Tokyo')).toEqual({ timeZoneName: 'short' });

  preferences.times = 'utc';
  expect(zoneBeside('Europe/Berlin')).toEqual({ timeZoneName: 'short' });
  expect(zoneBeside('UTC')).toEqual({});
});
