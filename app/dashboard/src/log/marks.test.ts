import { expect, test } from 'vitest';
import { Marks } from './marks';

const logOf = (length: number) => ({ length, indexOf: (seq: number) => seq - 1 });
const layoutOf = (...tops: number[]) => ({ first: 0, tops, anchor: { row: 0, y: 0 } });
/** More rows than are in view. */
const LONG = layoutOf(0, 20);
const paths = (marks: Marks): (string | null)[] =>
  [...marks.element.querySelectorAll('path')].map((path) => path.getAttribute('d'));

test('errors and matches are marked once for each place', () => {
  const marks = new Marks();
  marks.show({ errors: [1, 50_000], matches: [99_999, 100_000] });
  marks.draw(logOf(100_000), 400, LONG);

  expect(paths(marks)).toEqual(['M0 0h1M0 500h1', 'M0 1000h1']);
});

test('the marks of a log that grows are drawn again when they have moved', () => {
  const marks = new Marks();
  marks.show({ errors: [50], matches: [] });
  marks.draw(logOf(100), 400, LONG);
  const [before] = paths(marks);

  marks.draw(logOf(101), 400, LONG);
  expect(paths(marks)[0]).toBe(before);
  marks.draw(logOf(200), 400, LONG);
  expect(paths(marks)[0]).toBe('M0 248h1');
});

test('the marks of a log that is shorter than the pane are beside its lines', () => {
  const marks = new Marks();
  marks.show({ errors: [1, 2], matches: [3] });
  marks.draw(logOf(3), 400, layoutOf(0, 20, 80, 100));

  expect(paths(marks)).toEqual(['M0 100h1M0 500h1', 'M0 900h1']);
  expect(marks.element.querySelector('svg')?.style.height).toBe('100px');
  marks.draw(logOf(3), 400, layoutOf(0, 40, 160, 200));
  expect(paths(marks)).toEqual(['M0 100h1M0 500h1', 'M0 900h1']);
  marks.draw(logOf(3), 400, layoutOf(0, 20, 40, 80));
  expect(paths(marks)).toEqual(['M0 125h1M0 375h1', 'M0 750h1']);
});
