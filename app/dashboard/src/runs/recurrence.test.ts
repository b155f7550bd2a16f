import { expect, test } from 'vitest';
import type { Run } from '../api/mapping';
import { aRun } from '../log/testing';
import { formatRecurrence } from './recurrence';

const KEY_ERROR = "parse: exit code 1: KeyError: 'text'";

/** The runs of a project, newest first, from their messages, oldest first. */
const historyOf = (...messages: (string | null)[]): Run[] =>
  messages
    .map((errorMessage, i) =>
      aRun({ id: i + 1, errorMessage, status: errorMessage ? 'failed' : 'completed', finishedAt: i }),
    )
    .reverse();

test.each<[string, (string | null)[], string]>([
  ['many runs', [null, null, KEY_ERROR, KEY_ERROR, KEY_ERROR], '3 of the last 5 runs failed in the same way, since #3'],
  ['some runs', [null, KEY_ERROR, null, KEY_ERROR], '2 of the last 4 runs failed in the same way, since #2'],
  ['all runs', [KEY_ERROR, KEY_ERROR, KEY_ERROR], 'The last 3 runs failed in the same way'],
  ['the oldest known run too', [KEY_ERROR, null, KEY_ERROR], '2 of the last 3 runs failed in the same way'],
  ['this run only', [null, null, 'other', KEY_ERROR], 'None of the previous 3 runs failed in the same way'],
  [
    'runs that differ by a number',
    [null, 'a: port 80 is taken', 'a: port 81 is taken'],
    '2 of the last 3 runs failed in the same way, since #2',
  ],
  ['the first run', [KEY_ERROR], ''],
  ['the second run', [null, KEY_ERROR], ''],
])('a failure of %s', (_, messages, sentence) => {
  const history = historyOf(...messages);

  expect(formatRecurrence(history[0]!, history)).toBe(sentence);
});

test('an interrupted run did not fail', () => {
  const interrupted = historyOf(null, 'the worker a stopped', KEY_ERROR, 'the service stopped').map((run) =>
    run.errorMessage?.endsWith('stopped') ? { ...run, status: 'interrupted' as const } : run,
  );
  const [newest] = interrupted;

  expect(formatRecurrence(newest!, interrupted)).toBe('2 of the last 4 runs were interrupted, since #2');
  expect(formatRecurrence(newest!, [newest!, ...historyOf(null, KEY_ERROR)])).toBe(
    'None of the previous 2 runs was interrupted',
  );
  expect(formatRecurrence(interrupted[1]!, interrupted.slice(1))).toBe(
    'None of the previous 2 runs failed in the same way',
  );
});

test('newer runs and those that have not ended do not count', () => {
  const history = historyOf(null, KEY_ERROR, KEY_ERROR, null);
  const queued = aRun({ id: 9, status: 'queued', finishedAt: null });

  expect(formatRecurrence(history[1]!, [queued, ...history])).toBe(
    '2 of the last 3 runs failed in the same way, since #2',
  );
});

test('a run that is older than the known ones says nothing', () => {
  expect(formatRecurrence(aRun({ id: 1, errorMessage: KEY_ERROR }), historyOf(null, null).slice(0, 1))).toBe('');
});
