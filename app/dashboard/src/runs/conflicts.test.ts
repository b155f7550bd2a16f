import { expect, test } from 'vitest';
import type { Choices } from '../api/mapping';
import { describePolicy, optionsOf } from './conflicts';

const NOON = new Date(2026, 2, 1, 12).getTime();
const MINUTE = 60_000;

const choices = (changes: Partial<Choices> = {}): Choices => ({
  join: { isPossible: true, runId: 17, reason: null },
  queue: { isPossible: true, position: 2, estimatedStartAt: NOON + 5 * MINUTE, reason: null },
  replace: { cancels: 17 },
  ...changes,
});

const shown = (of: Choices): string[] =>
  optionsOf(of, NOON).map(({ label, sentence, isPossible }) => `${isPossible ? label : '-'}: ${sentence}`);

test('each possible choice has a button and says what it does', () => {
  expect(shown(choices())).toEqual([
    'Join run #17: Opens run #17, which does the same work.',
    'Queue: Waits as number 2 in the queue, and begins at about 12:05.',
    'Replace run #17: Cancels run #17, and begins when it has stopped.',
  ]);
});

test('a choice that is not possible says why', () => {
  const join = { isPossible: false, runId: 17, reason: 'its parameters differ' };
  const queue = { isPossible: false, position: null, estimatedStartAt: null, reason: '100 runs are queued' };

  expect(shown(choices({ join, queue })).slice(0, 2)).toEqual([
    '-: Joining run #17 is not possible: its parameters differ.',
    '-: Queueing is not possible: 100 runs are queued.',
  ]);
});

test('a start that lacks only a resource can wait, and has no run to join or replace', () => {
  const join = { isPossible: false, runId: null, reason: 'no run of the project is active' };
  const queue = { isPossible: true, position: 1, estimatedStartAt: null, reason: null };

  expect(shown(choices({ join, queue, replace: { cancels: null } }))).toEqual([
    'Queue: Waits as number 1 in the queue.',
  ]);
});

test('only a policy that does not refuse is described beforehand', () => {
  expect(describePolicy('reject')).toBeNull();
  expect(describePolicy('queue')).toBe('If the project or a resource is busy, the run waits in the queue.');
});
