import { expect, test } from 'vitest';
import { type Differences, findDifferences, toLines } from './differences';

const compare = (left: string[], right: string[], ignoresNumbers = false): Differences | null =>
  findDifferences(toLines(left.join('\n')), toLines(right.join('\n')), ignoresNumbers);

/** As in a patch: `-` for lines of the left text alone, `+` for those of the right one, `…3` for skipped ones. */
const patch = (differences: Differences | null): string[] => [
  ...(differences?.lines ?? []).flatMap(({ left, right, skipped }) => [
    ...(skipped ? [`…${skipped}`] : []),
    `${left ? (right ? ' ' : '-') : '+'}${(right ?? left)!.text}`,
  ]),
  ...(differences?.skipped ? [`…${differences.skipped}`] : []),
];
const LETTERS = [...'abcdefghijklmnop'];

test('equal texts have no differences', () => {
  expect(compare(LETTERS, LETTERS)).toEqual({ lines: [], skipped: 16, added: 0, removed: 0 });
});

test('a changed line stands between three equal ones on each side', () => {
  const changed = LETTERS.map((letter) => (letter === 'h' ? 'X' : letter));

  expect(patch(compare(LETTERS, changed))).toEqual(['…4', ' e', ' f', ' g', '-h', '+X', ' i', ' j', ' k', '…5']);
  expect(compare(LETTERS, changed)).toMatchObject({ added: 1, removed: 1 });
});

test('each line keeps the number that it has in its text', () => {
  expect(compare(['a', 'c'], ['a', 'b', 'c'])?.lines.map(({ left, right }) => [left?.number, right?.number])).toEqual([
    [1, 1],
    [undefined, 2],
    [2, 3],
  ]);
});

test('lines that differ only in numbers are equal, if numbers are ignored', () => {
  const [left, right] = [
    ['done in 8.4 s', 'a'],
    ['done in 10 s', 'b'],
  ];

  expect(patch(compare(left, right, true))).toEqual([' done in 10 s', '-a', '+b']);
  expect(compare(left, right)).toMatchObject({ added: 2, removed: 2 });
});

test('texts that differ too much are not compared', () => {
  const many = (prefix: string): string[] => Array.from({ length: 5000 }, (_, i) => `${prefix} ${i}`);

  expect(compare(many('a'), many('b'))).toBeNull();
});
