import { expect, test } from 'vitest';
import { type Firing, MAX_FIRINGS, MAX_STARTS, type Schedule } from '../api/schedules';
import { comingRows, DAY_MS, describe, hoursOf, pastRows, problemsOf, summarize } from './day_line';

const NOW = new Date(2026, 10, 3, 8).getTime();
const HOUR = 3_600_000;

const firing = (changes: Partial<Firing> = {}): Firing => ({
  schedule: 'etl',
  project: 'etl',
  dueAt: NOW - 6 * HOUR,
  isManual: false,
  outcome: 'started',
  runId: 7,
  reason: '',
  missedCount: 0,
  isLate: false,
  status: 'completed',
  startedAt: NOW - 6 * HOUR,
  finishedAt: NOW - 3 * HOUR,
  isRunDeleted: false,
  ...changes,
});

const schedule = (changes: Partial<Schedule> = {}): Schedule => ({
  id: 'etl',
  project: 'etl',
  cron: '0 3 * * *',
  timeZone: 'UTC',
  scope: 'full',
  onConflict: 'queue',
  missed: 'run-once',
  isEnabled: true,
  late: null,
  pausedAt: null,
  pausedBy: '',
  pauseReason: '',
  nextStarts: [NOW + 12 * HOUR, NOW + 36 * HOUR],
  lastFiring: null,
  estimatedMs: 6 * HOUR,
  ...changes,
});

test('a run of the last day is as long as it took', () => {
  const [row] = pastRows([firing()], ['etl'], NOW);

  expect(row?.marks).toMatchObject([{ left: 75, width: 12.5, state: 'completed', runId: 7 }]);
});

test('a run that is still active reaches until now', () => {
  const [row] = pastRows([firing({ status: 'running', finishedAt: null })], ['etl'], NOW);

  expect(row?.marks).toMatchObject([{ left: 75, width: 25, state: 'running' }]);
});

test('a due time without a run is a short mark', () => {
  const refused = firing({ outcome: 'refused', status: null, runId: null, startedAt: null, reason: 'busy' });

  const [row] = pastRows([refused], ['etl'], NOW);

  expect(row?.marks).toMatchObject([{ left: 75, width: 0.4, state: 'refused' }]);
  expect(row?.marks[0]?.title).toBe('etl, due 02:00: refused: busy');
});

test('rows are in the order of the schedules, and empty ones are left out', () => {
  const rows = pastRows([firing(), firing({ schedule: 'old' }), firing({ schedule: 'a' })], ['a', 'b', 'etl'], NOW);

  expect(rows.map((row) => row.schedule)).toEqual(['a', 'etl', 'old']);
});

test('the next day shows each start with its usual duration', () => {
  const [row, ...others] = comingRows([schedule(), schedule({ id: 'paused', nextStarts: [] })], NOW);

  expect(row?.marks).toMatchObject([{ left: 50, width: 25, state: 'expected' }]);
  expect(others).toEqual([]);
});

test('a line says so if it does not list all starts of the day', () => {
  const everyMinute = Array.from({ length: MAX_STARTS }, (_, i) => NOW + i * 60_000);

  const [row] = comingRows([schedule({ nextStarts: everyMinute, estimatedMs: 0 })], NOW);

  expect(row?.marks).toHaveLength(MAX_STARTS + 1);
  expect(row?.marks.at(-1)).toMatchObject({ state: 'unlisted', title: 'etl, starts after 12:59 are not listed' });
  expect(row!.marks.at(-1)!.left + row!.marks.at(-1)!.width).toBeCloseTo(100);
});

test('hours are labelled every few hours', () => {
  const hours = hoursOf(NOW, 6);

  expect(hours.map(({ label }) => label)).toEqual(['12:00', '18:00', '00:00', '06:00']);
  expect(hours[0]?.left).toBeCloseTo(((4 * HOUR) / DAY_MS) * 100);
});

test('what failed, was refused or was late went wrong', () => {
  const late = firing({ isLate: true });
  const failed = firing({ status: 'failed' });
  const firings = [firing(), late, failed, firing({ outcome: 'skipped', status: null, runId: null })];

  expect(problemsOf(firings)).toEqual([late, failed]);
  expect(summarize(firings)).toBe('4 due times: 2 problems.');
  expect(summarize([firing()])).toBe('1 due time: no problems.');
  expect(summarize([])).toBe('Nothing was due.');
  expect(describe(late)).toBe('completed, late');
});

test('a manual run is counted beside the due times', () => {
  const manual = firing({ isManual: true, status: 'failed' });

  const [row] = pastRows([manual], ['etl'], NOW);

  expect(row?.marks).toMatchObject([{ state: 'failed', title: 'etl, started 02:00: failed, manual' }]);
  expect(summarize([manual, firing()])).toBe('1 due time and 1 manual run: 1 problem.');
  expect(summarize([manual])).toBe('1 manual run: 1 problem.');
});

test('a deleted run is still shown, without a link to it', () => {
  const deleted = firing({ status: 'failed', isLate: true, isRunDeleted: true });

  const [row] = pastRows([deleted], ['etl'], NOW);

  expect(row?.marks).toMatchObject([{ left: 75, width: 12.5, state: 'failed', runId: null }]);
  expect(problemsOf([deleted])).toEqual([deleted]);
  expect(describe(deleted)).toBe('failed, late (deleted)');
});

test('nothing is said about due times that are not listed', () => {
  expect(summarize(Array.from({ length: MAX_FIRINGS }, () => firing()))).toBe(
    'The newest 1000 due times, since 02:00: no problems.',
  );
});
