import { expect, test } from 'vitest';
import type { Choices } from '../api/starts';
import type { Parameter } from '../api/projects';
import {
  compareWork,
  describeDifference,
  describePolicy,
  labelOfStart,
  optionsOf,
  policiesWhileBusy,
} from './conflicts';
import { toFields } from './params';
import { aRun } from '../log/testing';

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
    'Queue: Waits in the queue as number 2, and begins at about 12:05.',
    'Replace run #17: Cancels run #17 and begins when that run has stopped.',
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
    'Queue: Waits in the queue as number 1.',
  ]);
});

test('only a policy that does not refuse is described beforehand', () => {
  expect(describePolicy('reject')).toBeNull();
  expect(describePolicy('queue')).toBe('If the project or a resource is busy, the run waits in the queue.');
});

const PARAMETERS = ['model', 'seed'].map((name) => ({ name, type: 'string', default: null })) as unknown as Parameter[];

test.each([
  ['full', {}, 'Same scope and parameters.', true],
  ['full', { model: 'm2' }, 'Same scope, different parameters: model.', false],
  ['from:b', {}, 'Different scope, same parameters.', false],
  ['from:b', { model: 'm2', seed: '1' }, 'Different scope, different parameters: model, seed.', false],
])('a start of %s with %j does other work than the active run', (scope, changes, sentence, isSame) => {
  const run = aRun({ scope: 'full', params: { model: 'm1' } });
  const fields = { ...toFields(PARAMETERS, run.params), ...changes };
  const difference = compareWork(run, scope, fields, PARAMETERS);

  expect([describeDifference(difference), difference.isSame]).toEqual([sentence, isSame]);
});

test.each([
  ['reject', false, true, ['queue', 'replace', 'reject']],
  ['reject', true, false, ['queue', 'join', 'reject']],
  ['replace', false, true, ['replace', 'queue', 'reject']],
  ['replace', false, false, ['queue', 'reject']],
  ['join', true, true, ['join', 'queue', 'replace', 'reject']],
  ['join', false, true, ['queue', 'replace', 'reject']],
] as const)(
  'while a project that declares %s is busy, a start can do what is possible',
  (declared, isSame, mayCancel, policies) => {
    expect(policiesWhileBusy(declared, isSame, mayCancel)).toEqual(policies);
  },
);

test('the button says what it does', () => {
  const labels = (['queue', 'join', 'replace', 'reject'] as const).map((policy) =>
    labelOfStart(policy, 17, 'Start run'),
  );

  expect(labels).toEqual(['Queue run', 'Join run #17', 'Replace run #17', 'Start run']);
});
