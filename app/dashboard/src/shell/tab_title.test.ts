import { expect, test } from 'vitest';
import { parseRoute } from '../state/routes';
import { titleOfPage } from './tab_title';

test.each([
  ['/', 0, 'Solorun'],
  ['/', 2, '2 running · Solorun'],
  ['/runs', 0, 'All runs · Solorun'],
  ['/runs', 1, '1 running · All runs · Solorun'],
  ['/p/novel', 1, 'novel · Solorun'],
  ['/p/novel/runs/7', 1, '#7 · Solorun'],
  ['/p/novel/runs/7/artifacts/a/report.md', 0, 'a/report.md · novel #7'],
  ['/compare/7/9', 0, 'Compare #7 and #9 · Solorun'],
  ['/nowhere', 0, 'Page not found · Solorun'],
])('the title of %s with %d runs is %s', (path, running, title) => {
  expect(titleOfPage(parseRoute(path), running)).toBe(title);
});
