import { expect, test } from 'vitest';
import { isNumber, sortedIndexes } from './sorting';

const sorted = (cells: readonly string[], isDescending = false): string[] =>
  sortedIndexes(cells, isDescending).map((i) => cells[i]!);

test.each([
  [
    ['2', '-3', '1,234', '0.5', '1e-5', '0.1234'],
    ['-3', '1e-5', '0.1234', '0.5', '2', '1,234'],
  ],
  [
    ['1,234', '0,5', '-2'],
    ['-2', '0,5', '1,234'],
  ],
  [
    ['10 %', '9%', '\u22122'],
    ['\u22122', '9%', '10 %'],
  ],
  [
    ['file10', 'file9', '7'],
    ['7', 'file9', 'file10'],
  ],
  [
    ['b', '', 'a'],
    ['a', 'b', ''],
  ],
  [
    ['2', ' ', '-1'],
    ['-1', '2', ' '],
  ],
])('%j is sorted as %j', (cells, expected) => {
  expect(sorted(cells)).toEqual(expected);
});

test('empty cells come last in descending order too', () => {
  expect(sorted(['1', '', '3', '2'], true)).toEqual(['3', '2', '1', '']);
});

test.each([
  ['1,234', true],
  ['1e-5', true],
  ['0,5', true],
  ['-', false],
  ['1.2.3', false],
  ['2026-01-01', false],
  ['', false],
])('%j is a number: %s', (cell, expected) => {
  expect(isNumber(cell)).toBe(expected);
});
