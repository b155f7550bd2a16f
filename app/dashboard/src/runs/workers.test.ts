import { expect, test } from 'vitest';
import type { Worker } from '../api/workers';
import { formatLoad, formatWorkerWait, hostOf } from './workers';

const worker = (changes: Partial<Worker>): Worker => ({
  id: 'red-0123456789abcdef',
  host: 'red',
  labels: ['gpu'],
  capacity: 1,
  state: 'active',
  runs: [],
  startedAt: 0,
  lastSeen: 0,
  ...changes,
});
const GPU = { labels: ['gpu'] };

test('a run waits because no worker with its labels is connected', () => {
  expect(formatWorkerWait(GPU, [])).toBe('Waits for a worker with the label gpu; none is connected');
  expect(formatWorkerWait(GPU, [worker({ state: 'lost' })])).toMatch(/; none is connected$/);
  expect(formatWorkerWait({ labels: ['eu', 'gpu'] }, [worker({})])).toBe(
    'Waits for a worker with the labels eu and gpu; none is connected',
  );
});

test('a run waits because the workers with its labels are draining or busy', () => {
  const busy = worker({ runs: [17] });
  const draining = worker({ state: 'draining' });

  expect(formatWorkerWait(GPU, [draining])).toMatch(/; the only one is draining$/);
  expect(formatWorkerWait(GPU, [draining, draining])).toMatch(/; all of them are draining$/);
  expect(formatWorkerWait(GPU, [busy, draining])).toMatch(/; the only one is busy$/);
  expect(formatWorkerWait(GPU, [busy, busy])).toMatch(/; all of them are busy$/);
});

test('a worker with a free place, or with all labels, gives no reason', () => {
  expect(formatWorkerWait(GPU, [worker({})])).toBe('Waits for a worker with the label gpu');
  expect(formatWorkerWait(GPU, [worker({ labels: null, capacity: null, runs: [1, 2] })])).toMatch(/gpu$/);
  expect(formatWorkerWait(GPU, null)).toMatch(/gpu$/);
});

test('the id of a worker begins with its host', () => {
  expect(hostOf('build-1.example.org-0123456789abcdef')).toBe('build-1.example.org');
  expect(hostOf('anything')).toBe('anything');
});

test('the load is what a worker executes of what it may', () => {
  expect(formatLoad({ runs: [17], capacity: 4 })).toBe('1 of 4 runs');
  expect(formatLoad({ runs: [], capacity: 1 })).toBe('0 of 1 run');
  expect(formatLoad({ runs: [17], capacity: null })).toBe('1 run');
  expect(formatLoad({ runs: [], capacity: null })).toBe('no runs');
});
