import { expect, test } from 'vitest';
import type { Run } from '../api/mapping';
import { formatLogTime } from '../runs/line_times';
import { StepHeading, stepsOf } from './step_heading';
import { aRun, aRunStep, anAttempt } from './testing';

const START = Date.parse('2026-03-01T12:00:00Z');
const step = aRunStep({ name: 'translate', status: 'running', startedAt: START, finishedAt: null, firstSeq: 1 });

function shown(changes: Partial<Run>, now: number, isStale = false): string | null {
  const heading = new StepHeading();
  const run = aRun({ status: 'running', steps: [step], currentStep: 'translate', progressTotal: null, ...changes });
  heading.show({ ...stepsOf(run, isStale), now }, { seq: 5, y: 0 }, undefined);
  return heading.element.textContent.replaceAll('\u00a0', ' ').replace(/started .*?(?= ·)/, 'started …');
}

test('the heading of a step in progress says for how long it runs, and how far it is', () => {
  expect(shown({}, START + 62_000)).toBe('translatestarted … · running for 1 min 02 s');
  expect(shown({ progressCurrent: 34, progressTotal: 194 }, START + 62_000)).toBe(
    'translatestarted … · running for 1 min 02 s · 34 / 194 ▓░░░░░░░░░',
  );
  expect(shown({}, START + 5_000, true)).toBe('translatestarted … · was running for 5 s');
});

test('the heading has the clock of the lines', () => {
  const heading = new StepHeading();
  heading.show({ ...stepsOf(aRun({ steps: [step] }), false), now: START }, { seq: 5, y: 0 }, undefined);

  expect(heading.element.textContent).toContain(`started ${formatLogTime(START).slice(0, 8)} ·`);
});

test('the progress of another step is not shown', () => {
  expect(shown({ currentStep: 'render', progressCurrent: 1, progressTotal: 2 }, START)).not.toContain('1 / 2');
});

test('the heading of a step with retries is about the attempt of the line', () => {
  const attempts = [
    anAttempt({ startedAt: START, finishedAt: START + 2_000, firstSeq: 1, lastSeq: 9 }),
    anAttempt({ number: 2, startedAt: START + 60_000, finishedAt: START + 65_000, firstSeq: 10, lastSeq: 20 }),
  ];
  const ended = { ...step, status: 'failed' as const, finishedAt: START + 65_000, maxAttempts: 2, attempts };
  const heading = new StepHeading();
  const at = (seq: number): string => {
    heading.show({ ...stepsOf(aRun({ status: 'failed', steps: [ended] }), false), now: 0 }, { seq, y: 0 }, undefined);
    return heading.element.textContent.replaceAll('\u00a0', ' ');
  };

  const clockAt = (time: number): string => formatLogTime(time).slice(0, 8);
  expect(at(5)).toBe(`translateattempt 1 of 2 · started ${clockAt(START)} · failed after 2.0 s`);
  expect(at(15)).toBe(`translateattempt 2 of 2 · started ${clockAt(START + 60_000)} · failed after 5.0 s`);
});
