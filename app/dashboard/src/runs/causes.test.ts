import { expect, test } from 'vitest';
import { aRun, aRunStep } from '../log/testing';
import { causeOf } from './causes';

test.each([
  ['timed out after 5s', 'think: timed out after 5s', 'think timed out after 5\u00a0s'],
  ['timed out after 1m30s', null, 'think timed out after 1\u00a0min 30\u00a0s'],
  ['wrote nothing for 2h', null, 'think wrote nothing for 2\u00a0h'],
  ['exceeded the limit of the log, 1.0 GB', null, 'think exceeded the limit of the log, 1.0 GB'],
  ['the run timed out after 3s', 'the run timed out after 3s', 'The run timed out after 3\u00a0s'],
  [null, 'the service was shut down', 'The service was shut down'],
  ['exit code 1', 'the service was shut down; think: exit code 1', 'The service was shut down'],
  ['exit code 1: it timed out after 5s', 'think: exit code 1: it timed out after 5s', null],
  [null, null, null],
])('a step with the message %j in a run with %j is headed %j', (ofStep, ofRun, headline) => {
  const step = aRunStep({ name: 'think', status: 'failed', errorMessage: ofStep });

  expect(causeOf(aRun({ errorMessage: ofRun }), step)).toBe(headline);
});

test('a run that is ended between two steps has a headline too', () => {
  expect(causeOf(aRun({ errorMessage: 'the service was shut down' }), undefined)).toBe('The service was shut down');
});
