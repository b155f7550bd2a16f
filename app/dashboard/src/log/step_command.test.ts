import { expect, test } from 'vitest';
import type { LogRecord } from '../api/mapping';
import { commandIn } from './step_command';

const record = (event: LogRecord['event'], data: LogRecord['data']): LogRecord => ({
  seq: 1,
  time: '2026-11-30T12:00:00Z',
  level: 'info',
  step: 'count',
  stream: 'solorun',
  message: '',
  event,
  data,
  partial: false,
});

test('the command is in the record that the step has started', () => {
  const waits = record('step', { name: 'count', status: 'waiting' });
  const started = record('step', { name: 'count', status: 'running', command: 'grep -c photon notes' });

  expect(commandIn([waits, record(null, null), started])).toBe('grep -c photon notes');
});

test('a function has no command, and neither has the log of an earlier version', () => {
  expect(commandIn([record('step', { name: 'count', status: 'running' })])).toBeNull();
  expect(commandIn([record('group', { name: 'a', command: 'no' })])).toBeNull();
});
