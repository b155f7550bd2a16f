import { expect, test } from 'vitest';
import { Marks } from './marks';

const logOf = (length: number) => ({ length, indexOf: (seq: number) => seq - 1 });
const paths = (marks: Marks): (string | null)[] =>
  [...marks.element.querySelectorAll('path')].map((path) => path.getAttribute('d'));

test('errors and matches are marked once for each place', () => {
  const marks = new Marks();
  marks.show({ errors: [1, 50_000], matches: [99_999, 100_000] });
  marks.draw(logOf(100_000), 400);

  expect(paths(marks)).toEqual(['M0 0h1M0 500h1', 'M0 1000h1']);
});

test('the marks of a log that grows are drawn again when they have moved', () => {
  const marks = new Marks();
  marks.show({ errors: [50], matches: [] });
  marks.draw(logOf(100), 400);
  const [before] = paths(marks);

  marks.draw(logOf(101), 400);
  expect(paths(marks)[0]).toBe(before);
  marks.draw(logOf(200), 400);
  expect(paths(marks)[0]).toBe('M0 248h1');
});
