import { expect, test } from 'vitest';
import type { Artifact } from '../api/mapping';
import { pickThumbnails } from './thumbnails';

const file = (name: string, sizeBytes = 1000): Artifact => ({ name, sizeBytes, mediaType: 'x/y', createdAt: 0 });
const names = (artifacts: readonly Artifact[]): string[] => pickThumbnails(artifacts).map(({ name }) => name);

test('pictures of every kind are chosen, and no other files', () => {
  const pictures = ['a.png', 'b.jpg', 'c.jpeg', 'd/e.SVG', 'f.webp', 'g.gif'];

  expect(names([...pictures, 'report.md', 'data.csv', 'png'].map((name) => file(name)))).toEqual(pictures);
});

test('pictures that are empty or large are left out', () => {
  expect(names([file('empty.png', 0), file('most.png', 2_000_000), file('large.png', 2_000_001)])).toEqual([
    'most.png',
  ]);
});

test('twelve of many pictures are chosen, the first of the list', () => {
  const many = Array.from({ length: 40 }, (_, index) => file(`${index}.png`));

  expect(names(many)).toEqual(many.slice(0, 12).map(({ name }) => name));
});
