import { expect, test } from 'vitest';
import { formatLines, parseAttempt, parseLevel, parseLines, passes } from './filters';
import { aRecord, aRunStep, anAttempt, someRecords } from './testing';

test.each([
  ['#L12', { from: 12, upTo: 12 }],
  ['#L12-L15', { from: 12, upTo: 15 }],
  ['#L15-12', { from: 12, upTo: 15 }],
  ['#other', null],
  ['', null],
])('%j selects the lines %j', (hash, lines) => {
  expect(parseLines(hash)).toEqual(lines);
});

test.each([
  [{ from: 3, upTo: 3 }, '#L3'],
  [{ from: 3, upTo: 5 }, '#L3-L5'],
])('%j is written as %s', (lines, hash) => {
  expect(formatLines(lines)).toBe(hash);
});

test.each([
  [{ step: null, level: null, stream: null, text: null }, true],
  [{ step: 'translate', level: 'info', stream: null, text: null }, true],
  [{ step: 'render', level: null, stream: null, text: null }, false],
  [{ step: null, level: 'warning', stream: null, text: null }, false],
  [{ step: null, level: null, stream: 'stdout', text: null }, true],
  [{ step: null, level: null, stream: 'stderr', text: null }, false],
] as const)('filters %j: an info line of the step translate passes: %s', (filters, pass) => {
  expect(passes(aRecord(1), filters)).toBe(pass);
});

test.each([
  ['1', [3, 4]],
  ['2', [5, 6]],
  ['9', [1, 2, 3, 4, 5, 6]],
])('the attempt %s of a step selects its records, if there is one', (text, seqs) => {
  const attempts = [
    anAttempt({ number: 1, firstSeq: 3, lastSeq: 4 }),
    anAttempt({ number: 2, status: 'running', firstSeq: 5 }),
  ];
  const attempt = parseAttempt(text, aRunStep({ attempts }));
  const filters = { step: 'translate', attempt, level: null, stream: null, text: null };

  expect(
    someRecords(1, 6)
      .filter((record) => passes(record, filters))
      .map(({ seq }) => seq),
  ).toEqual(seqs);
});

test('an unknown level is ignored', () => {
  expect(parseLevel('loud')).toBeNull();
  expect(parseLevel('error')).toBe('error');
});
