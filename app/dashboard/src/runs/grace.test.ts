import { expect, test } from 'vitest';
import { aRecord } from '../log/testing';
import { graceIn } from './grace';

const STARTED = Date.parse('2026-03-01T12:00:00.000Z');

test.each([
  ['stopping work: cancel requested (grace 20s)', 20_000],
  ['stopping work (grace 1h1m1.5s)', 3_661_500],
  ['stopping work (grace 250ms)', 250],
  ['stopping work (grace 0s)', 0],
])('%j names the grace', (message, milliseconds) => {
  const records = [aRecord(1), aRecord(2, { stream: 'solorun', step: 'work', message }), aRecord(3)];

  expect(graceIn(records)).toEqual({ step: 'work', startedAt: STARTED, milliseconds });
});

test("a step's own output names no grace", () => {
  expect(graceIn([aRecord(1, { message: 'stopping work (grace 20s)' })])).toBeNull();
});
